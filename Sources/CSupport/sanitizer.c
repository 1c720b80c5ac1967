#define _GNU_SOURCE
#include "sanitizer.h"

#ifdef GH_SANITIZED
#include <errno.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *__sanitizer_get_report_path(void);

static const char *const passed[] = {"GATEHOUSE_REPORTS=", "ASAN_OPTIONS=", "TSAN_OPTIONS="};
enum { PASSED_COUNT = sizeof passed / sizeof *passed };

/* Opens the file of this process in the folder GATEHOUSE_REPORTS before any of our code runs: in a sandbox it could not. The time is
 * part of its name since numbers of processes come again. Without that variable reports go to standard error. */
__attribute__((constructor)) static void open_report(void)
{
    static char path[1024];
    struct timespec now;
    const char *folder = getenv("GATEHOUSE_REPORTS");
    if (folder && access(folder, W_OK) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0) {
        snprintf(path, sizeof path, "%s/%s-%lld-%09ld", folder, program_invocation_short_name, (long long)now.tv_sec, now.tv_nsec);
        __sanitizer_set_report_path(path);
        __sanitizer_get_report_path();
    }
    /* Where which library lies is read now, and not when it is too late. */
    __sanitizer_sandbox_arguments nothing = {0};
    __sanitizer_sandbox_on_notify(&nothing);
}

char **gh_sanitized_environment(char *const *environment)
{
    size_t count = 0;
    while (environment[count])
        count++;
    char **all = calloc(count + PASSED_COUNT + 1, sizeof *all);
    if (!all)
        return NULL;
    memcpy(all, environment, count * sizeof *all);
    for (size_t i = 0; i < PASSED_COUNT; i++)
        for (char **own = environ; *own; own++)
            if (strncmp(*own, passed[i], strlen(passed[i])) == 0) {
                all[count++] = *own;
                break;
            }
    return all;
}
#else
/* A file of C says something. */
typedef int gh_not_sanitized;
#endif
