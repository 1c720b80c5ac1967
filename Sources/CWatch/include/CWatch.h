/* What the collector needs of the kernel and Swift cannot say: fanotify(7), file handles, statx(2), the process connector. */
#ifndef GATEHOUSE_CWATCH_H
#define GATEHOUSE_CWATCH_H

#include <stddef.h>
#include <stdint.h>

/* All functions return a result, or -errno. */

enum { GH_WATCH_NAMES = 1, GH_WATCH_FILES = 2 };

/* Opens a queue of file events: with names and handles (GH_WATCH_NAMES), or with descriptors (GH_WATCH_FILES). */
int gh_watch_open(int kind);

/* Marks the file system (names) or the mount (files) that `path` is on. */
int gh_watch_mark(int queue, int kind, const char *path);

/* Opens what a handle of the kernel stands for, on the file system of `mount`, as O_PATH. */
int gh_open_handle(int mount, int type, const uint8_t *bytes, unsigned int count);

struct gh_file_status {
    uint64_t inode, size, blocks, mount, device;
    int64_t modified, changed; /* nanoseconds since 1970 */
    uint32_t mode, uid, gid, links;
};

/* statx(2) without following a symbolic link; an empty name means the directory itself. */
int gh_file_status(int directory, const char *name, struct gh_file_status *status);

/* The numbers of a file system as file events name it, and its type. */
int gh_file_system(const char *path, uint64_t *identifier, uint64_t *type);

/* Subscribes to births, programs, users, sessions and ends of processes; threads are filtered out. */
int gh_processes_open(void);

#endif
