/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/nearest.h"
#include "cli/out.h"

#define DEFAULT_TIMEOUT_MS 10000

enum { KEY_HELP = 1000, KEY_CONSOLE };

static const cli_option common_options[] = {
    { 'b', "bootstrap-server", "HOST:PORT,...", "brokers to ask first" },
    { 'b', "bootstrap-servers", "", NULL },
    { 'b', "broker-list", "", NULL },
    { 'X', "command-property", "NAME=VALUE",
      "set a configuration property (`kclient config` lists them)" },
    { KEY_CONSOLE, "property", "NAME=VALUE", NULL },
    { 'F', "command-config", "FILE", "read properties from a Java .properties file" },
    { 'F', "producer.config", "", NULL },
    { 'F', "consumer.config", "", NULL },
    { 'm', "timeout", "SECONDS", "longest wait for the first contact and for administration (10)" },
    { 'q', "quiet", NULL, "only errors on standard error" },
    { 'v', "verbose", NULL, "more about what the client does; twice: still more" },
    { 0 },
};

static const cli_option help_option[] = { { KEY_HELP, "help", NULL, "this text" }, { 0 } };

enum { MAX_OPTIONS = 80 };

/* getopt's form of the tables. */
typedef struct getopt_tables {
    char letters[2 * MAX_OPTIONS + 2];
    struct option names[MAX_OPTIONS + 1];
    size_t letter_count, name_count;
} getopt_tables;

static const cli_option *find(const cli_option *table, int key)
{
    for (; table->key; table++)
        if (table->key == key)
            return table;
    return NULL;
}

static void add_table(getopt_tables *t, const cli_option *table)
{
    for (const cli_option *o = table; o->key; o++) {
        bool argument = find(table, o->key)->argument != NULL;
        if (o->name && t->name_count < MAX_OPTIONS)
            t->names[t->name_count++] = (struct option){ o->name, argument, NULL, o->key };
        if (o->key < CLI_LONG_ONLY && o->help && t->letter_count + 2 < sizeof t->letters) {
            t->letters[t->letter_count++] = (char)o->key;
            if (argument)
                t->letters[t->letter_count++] = ':';
        }
    }
}

/* Lines of a help text below each other. */
static void print_lines(const char *text)
{
    for (; *text; text++) {
        out_put(text, 1);
        if (*text == '\n')
            out_format("  %-38s ", "");
    }
    out_text("\n");
}

static void print_table(const cli_option *table)
{
    for (const cli_option *o = table; o->key; o++) {
        char left[64];
        if (!o->help)
            continue;
        snprintf(left, sizeof left, "%s%c%s%s%s%s%s", o->key < CLI_LONG_ONLY ? "-" : "  ",
                 o->key < CLI_LONG_ONLY ? o->key : ' ',
                 o->key < CLI_LONG_ONLY && o->name ? ", " : " ", o->name ? "--" : "",
                 o->name ? o->name : "", o->argument ? " " : "", o->argument ? o->argument : "");
        out_format("  %-38s ", left);
        print_lines(o->help);
    }
}

static int print_help(const cli_syntax *syntax)
{
    out_format("usage: %s %s\n\n%s\n", syntax->command, syntax->arguments, syntax->about);
    if (syntax->options) {
        out_format("\noptions:\n");
        print_table(syntax->options);
    }
    if (!syntax->no_cluster) {
        out_format("\nof all commands that use a cluster:\n");
        print_table(common_options);
    }
    print_table(help_option);
    out_format("\nExit status: 0 done, 1 usage, 2 cluster or authentication, 3 done in part, "
               "4 no answer in time.\n");
    return CLI_OK;
}

int cli_usage(const cli_syntax *syntax, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_error("%s; `%s --help` tells more", text, syntax->command);
    return CLI_USAGE;
}

bool cli_number(const char *text, int64_t min, int64_t max, const char *what, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || errno || v < min || v > max) {
        cli_error("%s: %.60s is not a number from %lld to %lld", what, text, (long long)min,
                  (long long)max);
        return false;
    }
    *out = v;
    return true;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

/* One escape behind the backslash at p; returns what is behind it, NULL if it is not complete. */
static const char *unescape_one(const char *p, uint8_t *out)
{
    static const char names[] = "nrt0\\", values[] = "\n\r\t\0\\";
    const char *at = *p ? strchr(names, *p) : NULL;
    if (at) {
        *out = (uint8_t)values[at - names];
        return p + 1;
    }
    if (*p != 'x' || hex(p[1]) < 0)
        return NULL;
    *out = (uint8_t)hex(p[1]);
    if (hex(p[2]) < 0)
        return p + 2;
    *out = (uint8_t)(*out * 16 + hex(p[2]));
    return p + 3;
}

bool cli_unescape(const char *text, kc_bytes *out)
{
    uint8_t *bytes = malloc(strlen(text) + 1);
    size_t n = 0;
    if (!bytes) {
        cli_error("out of memory");
        return false;
    }
    for (const char *p = text; *p;) {
        if (*p != '\\') {
            bytes[n++] = (uint8_t)*p++;
            continue;
        }
        p = unescape_one(p + 1, &bytes[n++]);
        if (!p) {
            cli_error("%.60s: write \\n, \\r, \\t, \\0, \\\\ or \\xHH after a backslash", text);
            free(bytes);
            return false;
        }
    }
    *out = kc_mem(bytes, n);
    return true;
}

bool cli_strings_add(cli_strings *list, const char *item)
{
    const char **grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (!grown) {
        cli_error("out of memory");
        return false;
    }
    list->items = grown;
    grown[list->count++] = item;
    return true;
}

void cli_strings_free(cli_strings *list)
{
    free(list->items);
    *list = (cli_strings){ 0 };
}

/* Common options: files first, then single properties, so that these win in any order. */
typedef struct pending {
    cli_strings files, properties;
    const char *servers;
} pending;

/* --property of Kafka's console tools is about how records are read and printed. */
static bool set_console_property(pending *p, const char *pair)
{
    static const char *const names[][2] = {
        { "print.key", "-K SEP or -f" },
        { "print.timestamp", "-f with %T, or -J" },
        { "print.partition", "-f with %p" },
        { "print.offset", "-O, or -f with %o" },
        { "print.headers", "-f with %h" },
        { "print.value", "-f without %s" },
        { "key.separator", "-K SEP" },
        { "line.separator", "-D SEP" },
        { "headers.separator", "-f with %h" },
        { "null.literal", "-Z" },
        { "parse.key", "-K SEP" },
        { "parse.headers", "-H NAME=VALUE" },
        { "null.marker", "-Z" },
        { "ignore.error", "nothing: it is so" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = strlen(names[i][0]);
        if (strncmp(pair, names[i][0], size) == 0 && (pair[size] == '=' || !pair[size])) {
            cli_error("--property %s is the console tools'; here it is %s", names[i][0],
                      names[i][1]);
            return false;
        }
    }
    return cli_strings_add(&p->properties, pair);
}

static bool set_common(cli_common *common, pending *p, int key, const char *arg)
{
    int64_t seconds;
    switch (key) {
    case 'b':
        p->servers = arg;
        return true;
    case 'X':
        return cli_strings_add(&p->properties, arg);
    case 'F':
        return cli_strings_add(&p->files, arg);
    case KEY_CONSOLE:
        return set_console_property(p, arg);
    case 'm':
        if (!cli_number(arg, 1, 86400, "-m", &seconds))
            return false;
        common->timeout_ms = (int32_t)seconds * 1000;
        return true;
    case 'q':
        common->quiet = true;
        return true;
    default:
        common->verbose++;
        return true;
    }
}

/* "name=value"; kcat's "topic." before a name means nothing here. */
static bool set_property(kc_config *config, const char *pair)
{
    char name[128];
    kc_error error;
    const char *equals = strchr(pair, '=');
    if (strncmp(pair, "topic.", 6) == 0)
        pair += 6;
    if (!equals || equals <= pair || (size_t)(equals - pair) >= sizeof name) {
        cli_error("-X %.60s: write name=value", pair);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - pair), pair);
    if (kc_config_set(config, name, equals + 1, &error) == KC_OK)
        return true;
    cli_error("-X: %s", error.text);
    return false;
}

static bool set_servers(kc_config *config, const char *servers)
{
    kc_error error;
    if (kc_config_set(config, "bootstrap.servers", servers, &error) == KC_OK)
        return true;
    cli_error("-b: %s", error.text);
    return false;
}

static bool apply(cli_common *common, const pending *p)
{
    kc_error error;
    for (size_t i = 0; i < p->files.count; i++)
        if (kc_config_load(common->config, p->files.items[i], &error) != KC_OK) {
            cli_error("-F: %s", error.text);
            return false;
        }
    for (size_t i = 0; i < p->properties.count; i++)
        if (!set_property(common->config, p->properties.items[i]))
            return false;
    if (p->servers && !set_servers(common->config, p->servers))
        return false;
    if (kc_config_get(common->config, "bootstrap.servers"))
        return true;
    cli_error("no broker is named: use -b HOST:PORT, or bootstrap.servers in a file for -F");
    return false;
}

/* An option's row, from the subcommand's table or the common one. */
static bool is_common(const cli_syntax *syntax, int key)
{
    return !(syntax->options && find(syntax->options, key)) && find(common_options, key);
}

static int unknown_option(const cli_syntax *syntax, const getopt_tables *t, const char *word)
{
    cli_nearest near;
    if (strncmp(word, "--", 2) != 0)
        return optopt ? cli_usage(syntax, "there is no option -%c", optopt)
                      : cli_usage(syntax, "there is no option %.60s", word);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    nearest_begin(&near, name);
    for (size_t i = 0; i < t->name_count; i++)
        nearest_try(&near, t->names[i].name);
    const char *best = nearest_end(&near);
    return best ? cli_usage(syntax, "there is no option --%s; did you mean --%s?", name, best)
                : cli_usage(syntax, "there is no option --%s", name);
}

static int parse_options(const cli_syntax *syntax, int argc, char **argv, cli_common *common,
                         void *options, pending *p)
{
    getopt_tables t = { .letter_count = 1, .letters = ":" };
    if (syntax->options)
        add_table(&t, syntax->options);
    if (!syntax->no_cluster)
        add_table(&t, common_options);
    add_table(&t, help_option);
    t.names[t.name_count] = (struct option){ "h", no_argument, NULL, KEY_HELP };
    optind = 1;
    opterr = 0;
    for (int key; (key = getopt_long(argc, argv, t.letters, t.names, NULL)) != -1;) {
        if (key == KEY_HELP)
            return print_help(syntax);
        if (key == '?' && optopt == 'h')
            return print_help(syntax);
        if (key == '?')
            return unknown_option(syntax, &t, argv[optind - 1]);
        if (key == ':')
            return cli_usage(syntax, "%s needs a value", argv[optind - 1]);
        bool ok = is_common(syntax, key) ? set_common(common, p, key, optarg)
                                         : syntax->set(options, key, optarg);
        if (!ok)
            return CLI_USAGE;
    }
    for (; optind < argc; optind++) {
        if (!syntax->operand)
            return cli_usage(syntax, "%.60s is not expected here", argv[optind]);
        if (!syntax->operand(options, argv[optind]))
            return CLI_USAGE;
    }
    return -1;
}

int cli_parse(const cli_syntax *syntax, int argc, char **argv, cli_common *common, void *options)
{
    pending p = { 0 };
    if (common) {
        *common = (cli_common){ .config = kc_config_new(), .timeout_ms = DEFAULT_TIMEOUT_MS };
        if (!common->config) {
            cli_error("out of memory");
            return CLI_USAGE;
        }
    }
    for (size_t i = 0; common && syntax->defaults && syntax->defaults[i]; i += 2)
        (void)kc_config_set(common->config, syntax->defaults[i], syntax->defaults[i + 1], NULL);
    int code = parse_options(syntax, argc, argv, common, options, &p);
    if (code < 0 && common && !apply(common, &p))
        code = CLI_USAGE;
    cli_strings_free(&p.files);
    cli_strings_free(&p.properties);
    return code;
}

void cli_common_free(cli_common *common)
{
    kc_config_free(common->config);
    common->config = NULL;
}
