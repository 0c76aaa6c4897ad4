#!/bin/sh
# The shelf's honest answers about plain names, without waiting for node to start. All else, and each manner, is asked of
# `shelf.cjs`, which is the plugin (shelf-plugin.ts); shelf-plugin.test.ts compares the two.
here=${0%/*}
shelf=$here/../shelf
between='","'
IFS= read -r question

ask_node() {
  exec node "$here/shelf.cjs" <<END
$question
END
}

case $question in '{"version":1,"op":"'*) ;; *) ask_node ;; esac
case $question in *[!A-Za-z0-9\ \"{}:,._[\]-]*) ask_node ;; esac
rest=${question#*'"op":"'}
op=${rest%%\"*}
rest=${rest#*'"id":"'}
id=${rest%%\"*}
rest=${rest#*'"login":"'}
login=${rest%%\"*}
rest=${rest#*'"permissions":['}
quoted=${rest%%]*}
rest=${rest#*'"until":"'}
until=${rest%%\"*}
rest=${rest#*'"options":{"realm":"'}
realm=${rest%%\"*}
case $realm$login in '' | *[!A-Za-z0-9._-]*) ask_node ;; esac
case $quoted in \"*\") ;; *) ask_node ;; esac
list=${quoted#\"}
list=${list%\"}$between
left=$list
while [ -n "$left" ]; do
  case ${left%%"$between"*} in '' | *[!A-Za-z0-9._:-]*) ask_node ;; esac
  left=${left#*"$between"}
done
manners='{}'
[ -e "$shelf/manners/$realm.json" ] && manners=$(cat "$shelf/manners/$realm.json")
[ "$manners" = '{}' ] || ask_node

printf '{"op":"%s","id":"%s","realm":"%s","login":"%s","permissions":[%s],"until":"%s"}\n' \
  "$op" "$id" "$realm" "$login" "$quoted" "$until" >> "$shelf/calls"
state=absent
while [ -n "$list" ]; do
  name=${list%%"$between"*}
  list=${list#*"$between"}
  file=
  while [ "$name" != "${name#*:}" ]; do
    file=$file${name%%:*}%3A
    name=${name#*:}
  done
  place=$shelf/held/$realm%20$login%20$file$name
  case $op in
    grant) : > "$place" ;;
    revoke) rm -f "$place" ;;
  esac
  [ -e "$place" ] && state=present
done
printf '{"version":1,"state":"%s","handle":{"row":"%s"}}' "$state" "$id"
