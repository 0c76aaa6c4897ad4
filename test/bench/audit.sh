#!/bin/sh
# What a careful administrator would write to audit a ledger with stock tools: every entry's signature, the chain of
# digests, and for every grant the request file, its digest, its requester's and its approvers' signatures.
#
#   audit.sh <bare repository> <allowed_signers> <scratch directory>
#
# Prints how many entries and grants were good; exit 1 at the first that is not. Files are unpacked and YAML is read
# by one python3 (starting one for each file would take most of the time); signatures by `ssh-keygen -Y verify`, one
# file at a time, as it works.
set -eu
repository=$1 signers=$2 scratch=$3

git -C "$repository" rev-list --reverse refs/heads/pam-ledger |
  sed 'h;s/$/:entry.json/;p;g;s/$/:entry.json.sig/' |
  git -C "$repository" cat-file --batch |
  python3 -c '
import hashlib, json, os, sys, yaml
scratch = sys.argv[1]
source = sys.stdin.buffer
def blob():
    head = source.readline()
    if not head: return None
    content = source.read(int(head.split()[2]))
    source.read(1)
    return content
def write(name, content):
    with open(os.path.join(scratch, name), "wb") as file: file.write(content)
def statement(name, signed, namespace):
    write(name + ".text", signed["text"].encode())
    write(name + ".sig", signed["armor"].encode())
    signer = signed["text"].split("signer: ")[1].split("\n")[0]
    print(name + ".text", name + ".sig", signer, namespace)
previous, entries, grants = None, 0, 0
while True:
    text = blob()
    if text is None: break
    signature = blob()
    entry = json.loads(text)
    if entry["previous"] != previous: sys.exit("entry %d does not follow" % entry["seq"])
    previous = "sha256:" + hashlib.sha256(text).hexdigest()
    name = "entry-%d" % entry["seq"]
    write(name + ".text", text)
    write(name + ".sig", signature)
    print(name + ".text", name + ".sig", entry["executor"], "pam-ledger-v1@pam")
    entries += 1
    for event in entry["events"]:
        if event["type"] != "granting": continue
        evidence = event["evidence"]
        request = yaml.safe_load(evidence["request"])
        digest = "sha256:" + hashlib.sha256(evidence["request"].encode()).hexdigest()
        if request["id"] != event["id"] or request["role"] != event["grant"]["role"] or request["subject"] != event["grant"]["subject"]:
            sys.exit("entry %d grants something else" % entry["seq"])
        for signed in [evidence["statement"]] + evidence["approvals"]:
            if "request-sha256: " + digest not in signed["text"]: sys.exit("entry %d: other bytes" % entry["seq"])
        statement("request-" + event["id"], evidence["statement"], "pam-request-v1@pam")
        for at, signed in enumerate(evidence["approvals"]):
            statement("approval-%d-%s" % (at, event["id"]), signed, "pam-approval-v1@pam")
        grants += 1
print("%d entries, %d grants" % (entries, grants), file=sys.stderr)
' "$scratch" >"$scratch/list"

while read -r text signature signer namespace; do
  ssh-keygen -Y verify -q -f "$signers" -I "$signer" -n "$namespace" -s "$scratch/$signature" <"$scratch/$text" ||
    { echo "$text: not signed by $signer" >&2; exit 1; }
done <"$scratch/list"
