/* What programs need on top that are built with AddressSanitizer or ThreadSanitizer (scripts/test-sanitized). Every other build
 * compiles none of it: the compiler itself says which one this is. */
#ifndef GATEHOUSE_SANITIZER_H
#define GATEHOUSE_SANITIZER_H

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GH_SANITIZED 1

/* An environment with the variables of this process on top that say where and what to report; for free(3). */
char **gh_sanitized_environment(char *const *environment);
#endif

#endif
