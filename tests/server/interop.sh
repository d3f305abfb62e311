#!/bin/sh
# The official interop client, as Debian's ruby-grpc ships it, in all cases that
# need neither TLS nor Google's accounts.
# Usage: tests/server/interop.sh INTEROP_SERVER      (run by test_server.sh)
set -u
cases='empty_unary large_unary client_streaming server_streaming ping_pong
    empty_stream cancel_after_begin cancel_after_first_response
    timeout_on_sleeping_server unimplemented_method unimplemented_service
    status_code_and_message custom_metadata client_compressed_unary
    client_compressed_streaming'
passed=0
failed=0
folder=$(mktemp -d)
client=$(dpkg -L ruby-grpc 2>/dev/null | grep 'pb/test/client\.rb$')
if [ -z "$client" ]; then
    echo "no client: ruby-grpc is not there"
    exit 1
fi
"$1" --listen=127.0.0.1:0 >"$folder/server" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -rf "$folder"' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    grep -q '^ready$' "$folder/server" && break
    sleep 0.2
done
port=$(sed -n 's/^listening 127.0.0.1://p' "$folder/server")

# Two at a time: starting Ruby is most of it.
for one in $cases; do
    echo "$one"
done | xargs -P 2 -I '{}' sh -c \
    "timeout 60 /usr/bin/ruby '$client' --server_host 127.0.0.1 \
        --server_port '$port' --test_case {} >'$folder/{}' 2>&1 &&
        touch '$folder/{}.ok'"
for one in $cases; do
    if [ -e "$folder/$one.ok" ]; then
        passed=$((passed + 1))
    else
        echo "FAILED $one"
        tail -n 5 "$folder/$one"
        failed=$((failed + 1))
    fi
done
echo "interop: $passed passed, $failed failed"
[ $failed = 0 ]
