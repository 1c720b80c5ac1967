#define _GNU_SOURCE
#include "CSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

int gh_open_beneath(int directory, const char *path, int for_reading, int may_cross)
{
    struct open_how how = {
        .flags = (unsigned int)((for_reading ? O_RDONLY | O_NOATIME : O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (may_cross ? 0 : RESOLVE_NO_XDEV),
    };
    long result = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (result < 0 && errno == EPERM && (how.flags & O_NOATIME)) {
        /* Only the owner and root may read without a trace. */
        how.flags &= ~(unsigned int)O_NOATIME;
        result = syscall(SYS_openat2, directory, path, &how, sizeof how);
    }
    return result < 0 ? -errno : (int)result;
}

ssize_t gh_read_names(int directory, void *buffer, size_t capacity)
{
    long count = syscall(SYS_getdents64, directory, buffer, capacity);
    return count < 0 ? -errno : count;
}

int gh_stat_beneath(int directory, const char *name, struct gh_stat *result)
{
    struct statx status;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(directory, name, flags, STATX_BASIC_STATS, &status) < 0)
        return -errno;
    result->inode = status.stx_ino;
    result->size = status.stx_size;
    result->blocks = status.stx_blocks;
    result->modified = (int64_t)((uint64_t)status.stx_mtime.tv_sec * 1000000000u) + status.stx_mtime.tv_nsec;
    result->changed = (int64_t)((uint64_t)status.stx_ctime.tv_sec * 1000000000u) + status.stx_ctime.tv_nsec;
    result->device = makedev(status.stx_dev_major, status.stx_dev_minor);
    result->mode = status.stx_mode;
    result->uid = status.stx_uid;
    result->gid = status.stx_gid;
    result->links = status.stx_nlink;
    result->is_mount = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return 0;
}

ssize_t gh_access_list(int directory, const char *name, void *buffer, size_t capacity)
{
    static const char posix[] = "system.posix_acl_access";
    char path[320];
    ssize_t count;
    if (*name) {
        if (snprintf(path, sizeof path, "/proc/self/fd/%d/%s", directory, name) >= (int)sizeof path)
            return -ENAMETOOLONG;
        count = lgetxattr(path, posix, buffer, capacity);
    } else {
        count = fgetxattr(directory, posix, buffer, capacity);
        snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
        if (count < 0 && errno == EBADF)
            count = getxattr(path, posix, buffer, capacity);
    }
    if (count >= 0)
        return count;
    if (errno == ENODATA)
        return 0;
    if (errno != EOPNOTSUPP)
        return -errno;
    /* No POSIX ACLs: then the mode says all, unless there are others. */
    count = *name ? lgetxattr(path, "system.nfs4_acl", NULL, 0) : getxattr(path, "system.nfs4_acl", NULL, 0);
    return count < 0 && (errno == EOPNOTSUPP || errno == ENODATA) ? 0 : -EOPNOTSUPP;
}

int64_t gh_file_system_kind(int descriptor)
{
    struct statfs status;
    return fstatfs(descriptor, &status) < 0 ? -errno : (int64_t)(uint32_t)status.f_type;
}

int gh_private_mounts(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    return 0;
}
