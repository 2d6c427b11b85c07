/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without libFuzzer, as a plain test: driver [-m MUTANTS] FILE|FOLDER...
 * Every file is run as it is, then cut short and with bytes changed, the same way each time. Names
 * the file and mutant if the target crashes. The target sees a heap copy of exactly the input's
 * size, so that valgrind and ASan notice reads past it. */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { LARGEST_FILE = 1 << 20 };

static char present[600]; /* what is being run */
static uint64_t state;
static unsigned long mutants = 300;
static size_t files;

static void on_crash(int signal_number)
{
    ssize_t ignored = write(STDERR_FILENO, present, strlen(present));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t mutate(uint8_t *data, size_t size)
{
    static const uint8_t special[] = { 0, 1, 0x7f, 0x80, 0xff, 0xfe };
    for (uint64_t n = 1 + next_random() % 4; n > 0 && size > 0; n--) {
        uint64_t r = next_random();
        size_t at = (size_t)(r >> 16) % size;
        switch (r % 5) {
        case 0:
            data[at] ^= (uint8_t)(1 << (r >> 8) % 8);
            break;
        case 1:
            data[at] = special[(r >> 8) % sizeof special];
            break;
        case 2:
            data[at] = (uint8_t)(r >> 8);
            break;
        case 3:
            size = at;
            break;
        default:
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        }
    }
    return size;
}

static void run_once(const uint8_t *data, size_t size, int mutant)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        exit(2);
    memcpy(copy, data, size);
    if (mutant > 0)
        size = mutate(copy, size);
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        exit(2);
    memcpy(exact, copy, size);
    free(copy);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void run_file(const char *path)
{
    static uint8_t data[LARGEST_FILE];
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        exit(2);
    }
    size_t size = fread(data, 1, sizeof data, in);
    fclose(in);
    state = 0x9e3779b97f4a7c15u;
    for (unsigned long i = 0; i <= mutants; i++) {
        snprintf(present, sizeof present, "crashed by %.500s, mutant %lu\n", path, i);
        run_once(data, size, (int)i);
    }
    files++;
}

static void run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        perror(path);
        exit(2);
    }
    DIR *dir = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (!dir) {
        run_file(path);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            run_path(inner);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-m") == 0) {
        mutants = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    for (int i = first; i < argc; i++)
        run_path(argv[i]);
    printf("%zu files, %lu mutants of each\n", files, mutants);
    return files > 0 ? 0 : 1;
}
