/* What Swift cannot say: message macros of sendmsg(2), what runs between fork and exec, variadic and GNU calls. */
#ifndef GATEHOUSE_CSUPPORT_H
#define GATEHOUSE_CSUPPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* At most this many descriptors travel with one message. */
#define GH_MAX_DESCRIPTORS 4

/* Sends one message with descriptors. Returns the byte count or -errno. Never raises SIGPIPE. */
ssize_t gh_send(int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count, int flags);

/* Receives one message; received descriptors are close-on-exec and belong to the caller.
 * Returns the byte count (0: the peer has closed), or -errno; -EMSGSIZE when the message or its descriptors
 * did not fit: descriptors that came with it are closed. */
ssize_t gh_receive(int socket, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count, int flags);

/* Who a child is to be and what it gets. */
struct gh_spawn_request {
    int program;              /* descriptor of the program, opened O_PATH|O_CLOEXEC by the parent */
    char *const *arguments;   /* NULL-terminated */
    char *const *environment; /* NULL-terminated */
    const int *descriptors;   /* become 0, 1, 2, … in the child; everything else is closed */
    size_t descriptor_count;  /* at most GH_MAX_SPAWN_DESCRIPTORS */
    int change_user;          /* non-zero: clear groups, set gid and uid for good */
    uid_t uid;
    gid_t gid;
    uint64_t limit_files;     /* RLIMIT_NOFILE; 0: leave */
    uint64_t limit_file_size; /* RLIMIT_FSIZE in bytes; 0: leave */
    uint64_t limit_memory;    /* RLIMIT_DATA in bytes; 0: leave */
    int forbid_children;      /* non-zero: neither fork nor threads, unless it runs as root (RLIMIT_NPROC) */
    int new_session;          /* non-zero: setsid(2) */
};
#define GH_MAX_SPAWN_DESCRIPTORS 8

/* Starts a child with no_new_privs, no core dumps, umask 077 and / as working directory. Returns its pid or -errno. */
pid_t gh_spawn(const struct gh_spawn_request *request);

/* pidfd_open(2), pidfd_send_signal(2) with a value as of sigqueue(3). Return the descriptor or 0, or -errno. */
int gh_pidfd_open(pid_t pid);
int gh_pidfd_send_signal(int pidfd, int signal, int value);

/* Takes the open-file-description write lock of a whole file without waiting (F_OFD_SETLK). Returns 0 or -errno. */
int gh_lock_file(int descriptor);
/* Whether some other open file description holds that lock: 1, 0, or -errno. */
int gh_file_is_locked(int descriptor);
/* Keeps room on the disk for a file that will grow; its length stays. Returns 0 or -errno. */
int gh_reserve_room(int descriptor, int64_t count);

/* prctl(PR_SET_DUMPABLE, 0): no core, no ptrace by the same user. */
void gh_forbid_tracing(void);

/* Ends this process with SIGPROF once it has used so much processor time, unless this is called again before. */
void gh_limit_processor_time(unsigned int seconds);

/* The version of Landlock that the kernel has (landlock_create_ruleset(2)), or -errno: ENOSYS or EOPNOTSUPP where it has none. */
int gh_landlock_version(void);

/* Landlock for this thread and what it starts: files can only be read, and only those below `readable` (paths, ended by NULL; missing ones are
 * skipped); no TCP port is bound and, unless `may_connect`, none connected to; nobody outside is signalled. The last three only as
 * far as the kernel's version knows of them. Sets no_new_privs. Returns the version, or -errno. */
int gh_landlock(char *const *readable, int may_connect);

/* Switches O_NONBLOCK. Returns 0 or -errno. */
int gh_set_nonblocking(int descriptor, int enabled);

/* pipe2(2) with O_CLOEXEC. Returns 0 or -errno. */
int gh_pipe(int ends[2]);

/* Opens a program for gh_spawn (O_PATH). Returns the descriptor or -errno. */
int gh_open_program(const char *path);

/* Blocks a signal in the calling thread and gives a close-on-exec descriptor that becomes readable when it arrives
 * (signalfd(2)). Returns it or -errno. */
int gh_signal_descriptor(int signal);

/* Takes one signal from such a descriptor. Returns the value that came with it; 0 where none did. */
int gh_signal_value(int descriptor);

/* TCP_NODELAY, TCP_QUICKACK, keep-alive and TCP_USER_TIMEOUT in milliseconds; not every socket has them, so errors are ignored. */
void gh_tune_connection(int socket, unsigned int user_timeout);
void gh_quick_acknowledge(int socket);

/* Gives free heap memory back to the system (malloc_trim(3)). */
void gh_release_free_memory(void);

/* Names the calling thread, 15 characters at most. */
void gh_name_thread(const char *name);

/* SO_PEERCRED of a Unix socket. Returns 0 or -errno. */
int gh_peer(int socket, uid_t *uid, pid_t *pid);

/* openat2(2) of a directory by a path that cannot leave the one given: no symlinks, no "..", and no other mounts unless
 * may_cross. For reading, which leaves the time of access if it may, or only to go on from. Returns the descriptor or -errno. */
int gh_open_beneath(int directory, const char *path, int for_reading, int may_cross);

/* getdents64(2). Returns the byte count, 0 at the end, or -errno. */
ssize_t gh_read_names(int directory, void *buffer, size_t capacity);

/* What statx(2) says. Times in nanoseconds since 1970. */
struct gh_stat {
    uint64_t inode, size, blocks;
    int64_t modified, changed;
    uint64_t device;
    uint32_t mode, uid, gid, links;
    int is_mount; /* something is mounted there */
};

/* statx(2) of a name in a directory, or of the directory itself for "". Never follows or mounts. Returns 0 or -errno. */
int gh_stat_beneath(int directory, const char *name, struct gh_stat *result);

/* The POSIX access ACL of a name in a directory, never followed, or of the directory itself for "", whose descriptor may be one for
 * paths. Returns the byte count, 0 when the mode says all, or -errno when nobody knows. */
ssize_t gh_access_list(int directory, const char *name, void *buffer, size_t capacity);

/* f_type of fstatfs(2), or -errno. */
int64_t gh_file_system_kind(int descriptor);

/* Gives the calling thread, and those it starts, mounts of their own, which nobody else sees. Returns 0 or -errno. */
int gh_private_mounts(void);

#endif
