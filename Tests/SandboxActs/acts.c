#define _GNU_SOURCE
#include "SandboxActs.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int outcome(long result) { return result < 0 ? errno : 0; }

static int read_file(const char *path) { return outcome(open(path, O_RDONLY)); }
static int write_file(const char *path) { return outcome(open(path, O_WRONLY | O_CREAT, 0600)); }
static int remove_file(const char *path) { return outcome(unlink(path)); }
static int list_folder(const char *path)
{
    DIR *folder = opendir(path);
    return folder == NULL ? errno : closedir(folder);
}

static int internet(const char *port, int (*use)(int, const struct sockaddr *, socklen_t))
{
    int one = socket(AF_INET, SOCK_STREAM, 0);
    if (one < 0)
        return errno;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(use(one, (struct sockaddr *)&address, sizeof address));
}
static int connect_to(const char *port) { return internet(port, connect); }
static int bind_to(const char *port) { return internet(port, bind); }

/* Accepted before the sandbox, since that takes a connection. */
static int accepted = -1, listener = -1;
static struct sockaddr_in elsewhere = {.sin_family = AF_INET};

void gh_prepare(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof here;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) == 0 && listen(listener, 8) == 0
        && getsockname(listener, (struct sockaddr *)&here, &length) == 0
        && connect(client, (struct sockaddr *)&here, sizeof here) == 0)
        accepted = accept(listener, NULL, NULL);
    elsewhere = here;
}

/* Turns a client's socket to another address: first to none, then to the listener above. */
static int reconnect(const char *unused)
{
    (void)unused;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    if (connect(accepted, &none, sizeof none) < 0)
        return errno;
    return outcome(connect(accepted, (struct sockaddr *)&elsewhere, sizeof elsewhere));
}

/* EISCONN is TCP's own answer. */
static int send_and_connect(const char *unused)
{
    (void)unused;
    struct sockaddr *address = (struct sockaddr *)&elsewhere;
    return outcome(sendto(accepted, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, address, sizeof elsewhere));
}
static int send_message_and_connect(const char *unused)
{
    (void)unused;
    struct iovec part = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {
        .msg_name = &elsewhere, .msg_namelen = sizeof elsewhere, .msg_iov = &part, .msg_iovlen = 1};
    return outcome(sendmsg(accepted, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
}

/* What would outlive a process that shares a listening socket with another one. */
static int end_listening(const char *unused)
{
    (void)unused;
    return outcome(shutdown(listener, SHUT_RDWR));
}
static int lock_filter(const char *unused)
{
    (void)unused;
    int on = 1;
    return outcome(setsockopt(listener, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
}

static int abstract_socket(const char *name)
{
    int one = socket(AF_UNIX, SOCK_STREAM, 0);
    if (one < 0)
        return errno;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    return outcome(connect(one, (struct sockaddr *)&address, length));
}

static int raw_socket(const char *unused)
{
    (void)unused;
    return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}

static int start_program(const char *path)
{
    char *const words[] = {(char *)path, NULL};
    return outcome(execve(path, words, words + 1));
}

static int make_process(const char *unused)
{
    (void)unused;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno;
    waitpid(child, NULL, 0);
    return 0;
}

static void *nothing(void *argument) { return argument; }

static int start_thread(const char *unused)
{
    (void)unused;
    pthread_t thread;
    int failure = pthread_create(&thread, NULL, nothing, NULL);
    return failure != 0 ? failure : pthread_join(thread, NULL);
}

static int signal_process(const char *pid) { return outcome(kill(atoi(pid), 0)); }
static int own_for_signals(const char *pid)
{
    return outcome(fcntl(STDOUT_FILENO, F_SETOWN, atoi(pid)));
}
static int limit_process(const char *pid)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return outcome(prlimit(atoi(pid), RLIMIT_CPU, NULL, &limit));
}
static int trace_process(const char *pid) { return outcome(ptrace(PTRACE_ATTACH, atoi(pid), 0, 0)); }

/* To a socket that does not take it: what counts is whether the call is made. */
static int pass_on(const char *unused)
{
    (void)unused;
    struct msghdr message = {0};
    int failure = outcome(sendmsg(STDOUT_FILENO, &message, 0));
    return failure == ENOTSOCK ? 0 : failure;
}
static int duplicate(const char *unused)
{
    (void)unused;
    return outcome(dup(STDOUT_FILENO));
}
static int look_at_file_system(const char *unused)
{
    (void)unused;
    struct statfs status;
    return outcome(fstatfs(STDOUT_FILENO, &status));
}

static int make_executable(const char *unused)
{
    (void)unused;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : 0;
}

static int change_user(const char *uid) { return outcome(setuid((uid_t)atoi(uid))); }
static int make_namespace(const char *unused)
{
    (void)unused;
    return outcome(unshare(CLONE_NEWUSER));
}
static int load_program(const char *unused)
{
    (void)unused;
    return outcome(syscall(SYS_bpf, 0, NULL, 0));
}

int gh_try(const char *act, const char *argument)
{
    static const struct {
        const char *name;
        int (*run)(const char *);
    } acts[] = {
        {"read a file", read_file},
        {"write a file", write_file},
        {"remove a file", remove_file},
        {"list a folder", list_folder},
        {"connect to a port", connect_to},
        {"bind a port", bind_to},
        {"connect to an abstract socket", abstract_socket},
        {"turn a client to another address", reconnect},
        {"connect by sending", send_and_connect},
        {"connect by a message", send_message_and_connect},
        {"end a listening socket", end_listening},
        {"lock the filter of a listening socket", lock_filter},
        {"open a raw socket", raw_socket},
        {"start a program", start_program},
        {"make a process", make_process},
        {"start a thread", start_thread},
        {"signal a process", signal_process},
        {"have a process signalled", own_for_signals},
        {"look at a process's limits", limit_process},
        {"trace a process", trace_process},
        {"pass on a descriptor", pass_on},
        {"have one descriptor twice", duplicate},
        {"look at a file system", look_at_file_system},
        {"make memory executable", make_executable},
        {"change its user", change_user},
        {"make a namespace", make_namespace},
        {"load a BPF program", load_program},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp(acts[i].name, act) == 0)
            return acts[i].run(argument);
    return -1;
}
