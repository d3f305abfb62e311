#!/bin/sh
# Our files in the language of sqllogictest.
exec "$(dirname "$0")/run"
