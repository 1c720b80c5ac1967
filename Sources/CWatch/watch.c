#define _GNU_SOURCE
#include "CWatch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x00001000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif

int gh_watch_open(int kind)
{
    unsigned int flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK;
    if (kind == GH_WATCH_NAMES)
        flags |= FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;
    int queue = fanotify_init(flags, O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
    return queue < 0 ? -errno : queue;
}

int gh_watch_mark(int queue, int kind, const char *path)
{
    uint64_t mask = FAN_CLOSE_WRITE | FAN_MODIFY;
    unsigned int flags = FAN_MARK_ADD;
    if (kind == GH_WATCH_NAMES) {
        mask |= FAN_CREATE | FAN_RENAME | FAN_DELETE | FAN_ATTRIB | FAN_ONDIR;
        flags |= FAN_MARK_FILESYSTEM;
    } else {
        flags |= FAN_MARK_MOUNT;
    }
    return fanotify_mark(queue, flags, mask, AT_FDCWD, path) < 0 ? -errno : 0;
}

int gh_open_handle(int mount, int type, const uint8_t *bytes, unsigned int count)
{
    union {
        struct file_handle handle;
        uint8_t room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } all;
    if (count > MAX_HANDLE_SZ)
        return -EINVAL;
    all.handle.handle_bytes = count;
    all.handle.handle_type = type;
    memcpy(all.room + sizeof(struct file_handle), bytes, count);
    int descriptor = open_by_handle_at(mount, &all.handle, O_PATH | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

static int64_t nanoseconds(struct statx_timestamp time)
{
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

int gh_file_status(int directory, const char *name, struct gh_file_status *status)
{
    struct statx all;
    int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_SYNC_AS_STAT | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
    if (statx(directory, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &all) < 0)
        return -errno;
    *status = (struct gh_file_status){
        .inode = all.stx_ino,
        .size = all.stx_size,
        .blocks = all.stx_blocks,
        .mount = all.stx_mnt_id,
        .device = (uint64_t)all.stx_dev_major << 32 | all.stx_dev_minor,
        .modified = nanoseconds(all.stx_mtime),
        .changed = nanoseconds(all.stx_ctime),
        .mode = all.stx_mode,
        .uid = all.stx_uid,
        .gid = all.stx_gid,
        .links = all.stx_nlink,
    };
    return 0;
}

int gh_file_system(const char *path, uint64_t *identifier, uint64_t *type)
{
    struct statfs system;
    if (statfs(path, &system) < 0)
        return -errno;
    memcpy(identifier, &system.f_fsid, sizeof *identifier);
    *type = (uint64_t)system.f_type;
    return 0;
}
