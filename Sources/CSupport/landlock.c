#define _GNU_SOURCE
#include "CSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As of Linux 6.12 (Landlock's ABI 6); Debian 12's headers end at ABI 2, and the kernel takes a longer structure if it knows more. */
struct ruleset {
    uint64_t files, network, scopes;
};

enum {
    NETWORK_BIND = 1 << 0,    /* ABI 4 */
    NETWORK_CONNECT = 1 << 1, /* ABI 4 */
    SCOPE_ABSTRACT = 1 << 0,  /* ABI 6: abstract Unix sockets of others */
    SCOPE_SIGNAL = 1 << 1,    /* ABI 6: signals to others */
    FILES_ABI_1 = (1 << 13) - 1,
    FILES_REFER = 1 << 13,    /* ABI 2 */
    FILES_TRUNCATE = 1 << 14, /* ABI 3 */
    FILES_IOCTL = 1 << 15,    /* ABI 5: of devices */
};

int gh_landlock_version(void)
{
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? -errno : version;
}

static int allow_reading(int ruleset, const char *path)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
    int result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    if (result < 0 && errno == EINVAL) {
        /* No folder. */
        rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
        result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    int failure = result < 0 ? -errno : 0;
    close(rule.parent_fd);
    return failure;
}

int gh_landlock(char *const *readable, int may_connect)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    int version = gh_landlock_version();
    if (version < 0)
        return version;
    struct ruleset rules = {.files = FILES_ABI_1};
    if (version >= 2)
        rules.files |= FILES_REFER;
    if (version >= 3)
        rules.files |= FILES_TRUNCATE;
    if (version >= 5)
        rules.files |= FILES_IOCTL;
    if (version >= 4)
        rules.network = may_connect ? NETWORK_BIND : NETWORK_BIND | NETWORK_CONNECT;
    if (version >= 6)
        rules.scopes = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    size_t size = version >= 6 ? sizeof rules : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0)
        return -errno;
    int result = 0;
    for (size_t i = 0; result == 0 && readable[i] != NULL; i++)
        result = allow_reading(ruleset, readable[i]);
    if (result == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        result = -errno;
    close(ruleset);
    return result < 0 ? result : version;
}
