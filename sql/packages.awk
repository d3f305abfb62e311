# Turns `apt-cache dumpavail` into SQL: one transaction for every `batch`
# packages, each of them followed by a line that tells it is committed. Skips
# the first `skip` packages, which are stored already.
#
# Tables: packages (byron), depends (byron), import_log (ordinary).

function quote(text) {
    gsub(/'/, "''", text)
    return "'" text "'"
}

# "libc6 (>= 2.34), a | b:any" -> rows (package, kind, needs), each pair once.
function depend(kind, list, n, i, name, part) {
    n = split(list, part, /[,|]/)
    for (i = 1; i <= n; i++) {
        name = part[i]
        sub(/^ +/, "", name)
        sub(/[ (:].*/, "", name)
        if (name == "" || (name in needed))
            continue
        needed[name] = 1
        printf "%s\n(%s,%s,%s)", pairs ? "," : "INSERT INTO depends VALUES", \
            quote(field["Package"]), quote(name), quote(kind)
        pairs++
        all_pairs++
    }
}

function commit() {
    if (!open)
        return
    printf "INSERT INTO import_log VALUES(%d, %d, %d);\nCOMMIT;\n", \
        ++commits, stored, all_pairs
    printf "SELECT 'committed', %d, %d;\n", stored, all_pairs
    open = 0
}

BEGIN { RS = ""; FS = "\n"; if (!batch) batch = 1000 }

{
    split("", field)
    split("", needed)
    for (i = 1; i <= NF; i++) {
        colon = index($i, ": ")
        if ($i !~ /^ / && colon)
            field[substr($i, 1, colon - 1)] = substr($i, colon + 2)
    }
    if (field["Package"] in seen)
        next
    seen[field["Package"]] = 1
    stored++
    silent = stored <= skip
    if (silent) {
        if (stored % batch == 0)
            commits++
        next
    }
    if (!open) {
        print "BEGIN;"
        open = 1
        all_pairs = 0
    }
    printf "INSERT INTO packages VALUES(%s,%s,%s,%d,%s,%s,%s);\n", \
        quote(field["Package"]), quote(field["Version"]), \
        quote(field["Section"]), field["Installed-Size"], \
        quote(field["Maintainer"]), quote(field["Description"]), quote($0)
    pairs = 0
    depend("Pre-Depends", field["Pre-Depends"])
    depend("Depends", field["Depends"])
    if (pairs)
        print ";"
    if (stored % batch == 0)
        commit()
}

END { commit() }
