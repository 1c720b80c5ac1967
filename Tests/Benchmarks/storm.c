/* storm FOLDER COUNT: makes so many files of 512 bytes, a thousand in each folder; then renames a tenth, removes a tenth. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char **words)
{
    char from[4096], to[4096], contents[512] = "";
    long files = count == 3 ? atol(words[2]) : 0;
    for (long file = 0; file < files; file++) {
        snprintf(from, sizeof from, "%s/%ld", words[1], file / 1000);
        if (file % 1000 == 0 && mkdir(from, 0755) < 0)
            return perror(from), 1;
        snprintf(from, sizeof from, "%s/%ld/f%ld", words[1], file / 1000, file);
        int descriptor = open(from, O_CREAT | O_WRONLY | O_EXCL, 0644);
        if (descriptor < 0 || write(descriptor, contents, sizeof contents) < 0)
            return perror(from), 1;
        close(descriptor);
    }
    for (long file = 0; file < files; file += 10) {
        snprintf(from, sizeof from, "%s/%ld/f%ld", words[1], file / 1000, file);
        snprintf(to, sizeof to, "%s/%ld/g%ld", words[1], file / 1000, file);
        if (rename(from, to) < 0)
            return perror(from), 1;
    }
    for (long file = 1; file < files; file += 10) {
        snprintf(from, sizeof from, "%s/%ld/f%ld", words[1], file / 1000, file);
        if (unlink(from) < 0)
            return perror(from), 1;
    }
    return 0;
}
