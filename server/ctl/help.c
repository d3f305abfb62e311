/* The words of --help. */
#include "ctl/options.h"

static const char all[] =
    "byronctl talks to byrond: keys and values, SQL, figures.\n"
    "\n"
    "  byronctl get KEY...             values of keys\n"
    "  byronctl put KEY [VALUE]        a value; without VALUE, standard input\n"
    "  byronctl delete KEY...          keys, or all from --start to --end\n"
    "  byronctl range                  keys and values in order\n"
    "  byronctl load [FILE]            many rows, from TSV, CSV or JSON lines\n"
    "  byronctl query SQL [PARAMETER...]  one statement on the database\n"
    "  byronctl stats [NAME...]        what the server counts and measures\n"
    "\n"
    "byronctl COMMAND --help says more, with examples. For all of them:\n"
    "\n"
    "  --server=ADDRESS   HOST:PORT, [IPV6]:PORT or unix:PATH; else "
    "BYRON_SERVER\n"
    "                     of the environment, else 127.0.0.1:7060\n"
    "  --json             answers, and errors, as a line of JSON each\n"
    "  --timeout=SECONDS  for the answer; else 30, and without end where rows\n"
    "                     come or go\n"
    "  --tls              TLS, with the system's root certificates\n"
    "  --tls-roots=FILE   TLS, with these (PEM)\n"
    "  --tls-certificate=FILE, --tls-key=FILE  what shows who we are\n"
    "  --token-file=FILE  a token, in a file of mode 0600; else BYRON_TOKEN "
    "of\n"
    "                     the environment\n"
    "  --as=text|hex|base64  how keys and values are written\n"
    "  --help, --version, and -- before what begins with -- and is no flag\n"
    "\n"
    "Exit codes: 0 done; 1 a key is absent (get) or there (put --if-absent);\n"
    "2 the command line; 3 the server refused; 4 the server is not to be\n"
    "reached; 5 a file; 130 Ctrl-C.\n";

static const char get[] =
    "byronctl get KEY... prints the value of each key, a line each.\n"
    "\n"
    "  --raw              the value of one key as it is, without an end of "
    "line\n"
    "  --as=text|hex|base64, --json, --server=... (byronctl --help)\n"
    "\n"
    "A key that is absent is told on standard error, and the exit code is 1.\n"
    "\n"
    "  byronctl get planet/3\n"
    "  byronctl get --as=hex 00ff17\n"
    "  byronctl get --raw picture >picture.png\n"
    "  byronctl get --json planet/3 planet/9\n";

static const char put[] =
    "byronctl put KEY [VALUE] writes a value; without VALUE, that of standard\n"
    "input, to its end.\n"
    "\n"
    "  --if-absent        only where the key is not there; else exit code 1\n"
    "  --buffered         do not wait for the disk\n"
    "  --as=text|hex|base64, --json, --server=... (byronctl --help)\n"
    "\n"
    "  byronctl put planet/3 Earth\n"
    "  byronctl put picture <picture.png\n"
    "  byronctl put --if-absent leader \"$HOSTNAME\" && echo 'it is us'\n";

static const char delete_help[] =
    "byronctl delete KEY... deletes keys, all or none; absent ones are no "
    "error.\n"
    "byronctl delete --start=KEY --end=KEY deletes every key from start to "
    "before\n"
    "end.\n"
    "\n"
    "  --buffered         do not wait for the disk\n"
    "  --as=text|hex|base64, --json, --server=... (byronctl --help)\n"
    "\n"
    "  byronctl delete planet/9\n"
    "  byronctl delete --start=planet/ --end=planet0\n";

static const char range[] =
    "byronctl range prints keys and values in order: a tab between them, and\n"
    "\\\\ \\t \\n \\r \\xNN for what a line or a terminal would not bear.\n"
    "\n"
    "  --prefix=TEXT      keys that begin so\n"
    "  --start=KEY        the first that may come\n"
    "  --end=KEY          comes no more, nor what is behind it\n"
    "  --limit=ROWS       at most so many\n"
    "  --reverse          from the last to the first\n"
    "  --keys-only        without values\n"
    "  --format=tsv|csv|json  what load reads as well; csv has text as it is\n"
    "  --to=FILE          into a file, with progress on a terminal\n"
    "  --as=text|hex|base64, --json, --server=... (byronctl --help)\n"
    "\n"
    "All rows are of one state of the store. A reader so slow that the server "
    "ends\n"
    "the call goes on behind its last row, and says so: from there on it is a\n"
    "later state.\n"
    "\n"
    "  byronctl range --prefix=planet/\n"
    "  byronctl range --reverse --limit=10\n"
    "  byronctl range --to=all.tsv\n"
    "  byronctl range --as=base64 --format=csv >all.csv\n";

static const char load[] =
    "byronctl load [FILE] writes many rows, of FILE or of standard input, in\n"
    "batches that are there as a whole or not at all.\n"
    "\n"
    "  --format=tsv|csv|json  key and value: a tab between them, with \\\\ \\t "
    "\\n\n"
    "                     \\r \\xNN; CSV of two fields, as they are (a first "
    "line\n"
    "                     key,value is none of the rows); or lines like\n"
    "                     {\"key\": \"a\", \"value\": {\"base64\": \"AAE=\"}}. "
    "Else what\n"
    "                     FILE's name ends with, else tsv\n"
    "  --id=NAME          of this load, to go on with it (below)\n"
    "  --batch=ROWS       1 to 10,000 rows a batch (default 1000)\n"
    "  --as=text|hex|base64, --json, --server=... (byronctl --help)\n"
    "\n"
    "What was broken off, by Ctrl-C or by a server that went, says how far it "
    "came\n"
    "and which --id goes on with it: the same command with it skips what is "
    "there.\n"
    "The input and --batch have to be the same. The server remembers a load "
    "for a\n"
    "week.\n"
    "\n"
    "  byronctl load planets.tsv\n"
    "  byronctl load --id=monday planets.csv\n"
    "  zcat rows.json.gz | byronctl load --format=json --id=rows\n";

static const char query[] =
    "byronctl query SQL [PARAMETER...] runs one statement on the server's "
    "database.\n"
    "SQL of - is read from standard input. A parameter that is a number as "
    "JSON\n"
    "has it is one; null is NULL; x'00ff' is a blob; all else, and what is in\n"
    "double quotes, is text.\n"
    "\n"
    "  --format=table|tsv|csv|json  table is the default, json one object a "
    "row\n"
    "  --read-only        refuse a statement that writes\n"
    "  --json, --server=... (byronctl --help)\n"
    "\n"
    "  byronctl query 'SELECT name, mass FROM planet WHERE id = ?' 3\n"
    "  byronctl query 'INSERT INTO planet(name) VALUES (?)' '\"007\"'\n"
    "  byronctl query --format=csv 'SELECT * FROM planet' >planets.csv\n"
    "  byronctl query - <statement.sql\n";

static const char stats[] = "byronctl stats [NAME...] prints what the server "
                            "counts and measures, by the\n"
                            "names of its metrics; NAME is the beginning of "
                            "one. What is 0 is left out\n"
                            "where no NAME asks for it.\n"
                            "\n"
                            "  --json, --server=... (byronctl --help)\n"
                            "\n"
                            "  byronctl stats\n"
                            "  byronctl stats byron_level byrond_calls_total\n"
                            "  byronctl stats --json\n";

const char *options_help(enum command command)
{
    static const char *const words[COMMAND_COUNT] = {
        all, get, put, delete_help, range, load, query, stats};

    return words[command < COMMAND_COUNT ? command : COMMAND_NONE];
}
