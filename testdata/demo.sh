#!/usr/bin/env bash
# The whole path on the logs of a made-up home network, each step explained in a
# line. "make demo" builds the program, writes the logs and runs this.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:-demo}
tripline=${TRIPLINE:-./tripline}
db=$dir/demo.db
rm -rf "$db"* "$dir/aliases" "$dir/alerts.jsonl" # an earlier demo

exec 3>&1 # commands are shown here, also where what they print goes into a file
say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n# %s\n' "$*"; }

# run STATUS ARGUMENTS...: show the command, run it, insist on its exit status.
run() {
	local want=$1 status=0
	shift
	printf '$ tripline %s\n' "$(printf '%q ' "$@")" >&3
	"$tripline" "$@" --db "$db" || status=$?
	[ "$status" = "$want" ] || {
		echo "demo: exit status $status, want $want" >&2
		exit 2
	}
}

say "Whose address is what: take in ranges that providers publish (here a few of them; \"ranges pull\" fetches all)."
run 0 ranges import testdata/feed/aws-mini.json
run 0 ranges import testdata/mmdb/asn-test.mmdb

say "A week of the firewall's log: keep every connection of one agent, and what it reached when. Its stamps carry no zone."
run 0 learn --agent bot=192.0.2.50,2001:db8:1::50 --from filterlog --tz UTC "$dir/filter.log"

say "What would be allowed: each rule, and how much it opens beside how much was seen."
run 0 review

say "Approve exactly what was shown. The digest would be another one had anything changed since."
digest=$("$tripline" review --format json --db "$db" | sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p' | head -n 1)
run 0 review --approve "$digest" --reason "first week"

say "Hand it to the firewall: tables and an aliases section for pfSense."
run 0 export --to pfsense -o "$dir/aliases"
ls "$dir/aliases"

say "Two more days. Nothing unexpected would be exit status 0; this is 1."
run 1 enforce --from filterlog --tz UTC --format text "$dir/filter2.log"

say "The same for a program: one JSON object an alert."
run 1 enforce --from filterlog --tz UTC --format json "$dir/filter2.log" > "$dir/alerts.jsonl"
cut -c 1-160 "$dir/alerts.jsonl"

say "Ask about one of them: the matcher is the one that enforce used."
run 1 explain 203.0.113.77:443 --agent bot

say "What was hidden in those two days, by whoever wrote the logs:"
cat "$dir/ANSWERS"

answers=$(while read -r _ _ to service _; do echo "$to $service"; done < "$dir/ANSWERS" | sort)
alarms=$(sed -n 's/.*"proto":"\([a-z]*\)".*"dst":"\([^"]*\)","dport":\([0-9]*\).*/\2 \1\/\3/p' "$dir/alerts.jsonl" | sort)
if [ "$answers" != "$alarms" ]; then
	printf 'demo: the alarms are not what was hidden. Alarms:\n%s\n' "$alarms" >&2
	exit 1
fi
say "tripline found exactly these: $(wc -l < "$dir/ANSWERS") of $(wc -l < "$dir/ANSWERS"), and nothing else."
