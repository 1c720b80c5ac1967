#define _GNU_SOURCE
#include "CSupport.h"
#include "sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#ifdef GH_SANITIZED
#include <stdlib.h>
#endif
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Runs in the child between vfork and exec: system calls only, on the parent's memory. The identity is set by raw
 * system calls because glibc's wrappers would change every thread of the parent. */
static int become(const struct gh_spawn_request *request)
{
    int spare[GH_MAX_SPAWN_DESCRIPTORS];

    /* Copies above the numbers that are about to be taken: F_DUPFD picks free ones, so that no copy closes an original. */
    for (size_t i = 0; i < request->descriptor_count; i++)
        if ((spare[i] = fcntl(request->descriptors[i], F_DUPFD, GH_MAX_SPAWN_DESCRIPTORS)) < 0)
            return errno;
    int program = fcntl(request->program, F_DUPFD, GH_MAX_SPAWN_DESCRIPTORS);
    if (program < 0)
        return errno;
    for (size_t i = 0; i < request->descriptor_count; i++)
        if (dup2(spare[i], (int)i) < 0)
            return errno;
    if (syscall(SYS_close_range, (unsigned)request->descriptor_count, (unsigned)program - 1, 0) < 0)
        return errno;
    if (syscall(SYS_close_range, (unsigned)program + 1, ~0U, 0) < 0)
        return errno;
    if (fcntl(program, F_SETFD, FD_CLOEXEC) < 0)
        return errno;

    if (request->new_session && setsid() < 0)
        return errno;
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return errno;
    if (request->limit_files > 0) {
        struct rlimit limit = {request->limit_files, request->limit_files};
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            return errno;
    }
    if (request->limit_file_size > 0) {
        struct rlimit limit = {request->limit_file_size, request->limit_file_size};
        if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
            return errno;
    }
#ifndef GH_SANITIZED /* The shadow of all memory would count. */
    if (request->limit_memory > 0) {
        struct rlimit limit = {request->limit_memory, request->limit_memory};
        if (setrlimit(RLIMIT_DATA, &limit) < 0)
            return errno;
    }
#endif
    umask(077);
    if (chdir("/") < 0)
        return errno;
    if (request->change_user) {
        if (syscall(SYS_setgroups, 0, NULL) < 0)
            return errno;
        if (syscall(SYS_setresgid, request->gid, request->gid, request->gid) < 0)
            return errno;
        if (syscall(SYS_setresuid, request->uid, request->uid, request->uid) < 0)
            return errno;
    }
    /* After the change of user: exec refuses a user that has more processes than the limit at that moment. */
    if (request->forbid_children && setrlimit(RLIMIT_NPROC, &none) < 0)
        return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return errno;

    struct sigaction ordinary = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &ordinary, NULL);
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL);

    syscall(SYS_execveat, program, "", request->arguments, request->environment, AT_EMPTY_PATH);
    return errno;
}

pid_t gh_spawn(const struct gh_spawn_request *request)
{
    if (request->descriptor_count > GH_MAX_SPAWN_DESCRIPTORS)
        return -EINVAL;
#ifdef GH_SANITIZED
    struct gh_spawn_request extended = *request;
    char **environment = gh_sanitized_environment(request->environment);
    if (!environment)
        return -ENOMEM;
    extended.environment = environment;
    request = &extended;
#endif

    /* No signal handler of the parent may run in the child while both share one memory. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    volatile int failure = 0;
    pid_t child = vfork();
    if (child == 0) {
        failure = become(request);
        _exit(127);
    }
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
#ifdef GH_SANITIZED
    free(environment);
#endif

    if (child < 0)
        return -fork_error;
    if (failure != 0) {
        siginfo_t ended;
        while (syscall(SYS_waitid, 1 /* P_PID */, child, &ended, 4 /* WEXITED */, NULL) < 0 && errno == EINTR) {
        }
        return -failure;
    }
    return child;
}
