#include <seccomp.h>

/* The action of a call that fails with an error; a function-like macro. */
static inline uint32_t gh_seccomp_error(uint16_t number)
{
    return SCMP_ACT_ERRNO(number);
}
