#!/bin/bash
# A real Redmine 6 from Debian on 127.0.0.1:${PORT:-3210}, with its REST API on and a project to work in.
#
#   PORT=3210 bash test/real/redmine.sh
#   READY http://127.0.0.1:3210 pid=4711 token=<key of a manager> admin=<key of an administrator> project=ops
#
# It runs on a database of its own, which goes when the server does: `kill <pid>` ends both. It takes root and apt the
# first time, to install the packages; it writes nothing else outside of a temporary folder.
set -euo pipefail

PORT=${PORT:-3210}
HOME_OF_REDMINE=/usr/share/redmine

fail() {
  echo "redmine.sh: $*" >&2
  exit 1
}

# The program is not available on this machine. This is not a failure of the tests.
unavailable() {
  echo "$*" >&2
  exit 69
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number, not \"$PORT\"."
[ "$(id -u)" = 0 ] || unavailable 'it takes root, to install Redmine and to run it as www-data.'
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is in use: set PORT to a free one."; fi

if ! command -v puma >/dev/null || [ ! -f "$HOME_OF_REDMINE/config.ru" ]; then
  command -v apt-get >/dev/null || unavailable 'Redmine is not installed, and there is no apt-get to install it with.'
  export DEBIAN_FRONTEND=noninteractive
  timeout 60 apt-get update -qq || unavailable 'apt-get update failed: is there a network?'
  timeout 240 apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma >/dev/null ||
    unavailable 'apt-get could not install redmine, redmine-sqlite and puma.'
fi

DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
chown www-data "$DIR"

cat >"$DIR/seed.rb" <<'RUBY'
Setting.rest_api_enabled = '1'
Setting.host_name = ENV['REDMINE_HOST']

def person(login, first, last)
  user = User.find_by_login(login) || User.new(firstname: first, lastname: last, mail: "#{login}@example.com")
  user.login = login
  user.language = 'en'
  user.must_change_passwd = false
  user.password = user.password_confirmation = SecureRandom.hex(16)
  user.save!
  user
end

manager, developer = %w[Manager Developer].map { |name| Role.find_by!(name: name) }
project = Project.create!(
  name: 'Operations', identifier: 'ops', is_public: true, trackers: Tracker.all,
  enabled_module_names: %w[issue_tracking]
)
robot = person('robot', 'Robby', 'Robot')
mia = person('mia', 'Mia', 'Krystof')
Member.create!(project: project, principal: robot, roles: [manager])
Member.create!(project: project, principal: mia, roles: [developer])
puts "token=#{robot.api_key} admin=#{person('admin', 'Redmine', 'Admin').api_key} project=#{project.identifier}"
RUBY

cd "$HOME_OF_REDMINE"
redmine=(setpriv --reuid=www-data --regid=www-data --init-groups env -i
  PATH="$PATH" LANG=C.UTF-8 HOME="$DIR" RAILS_ENV=production REDMINE_INSTANCE=default REDMINE_LANG=en
  REDMINE_HOST="127.0.0.1:$PORT" DATABASE_URL="sqlite3:$DIR/redmine.db" SECRET_KEY_BASE=throwaway SCHEMA="$DIR/schema.rb")

# Apart: a model that was loaded before the migrations does not see the columns they add.
for task in db:migrate redmine:load_default_data; do
  timeout 120 "${redmine[@]}" bundle exec rake "$task" >"$DIR/rake.log" 2>&1 || {
    tail -20 "$DIR/rake.log" >&2
    fail 'its database could not be set up.'
  }
done
seeded=$(timeout 120 "${redmine[@]}" bin/rails runner "$DIR/seed.rb" 2>"$DIR/seed.log" | grep '^token=') || {
  tail -20 "$DIR/seed.log" >&2
  fail 'its project could not be set up.'
}

"${redmine[@]}" puma --quiet --threads 1:4 --bind "tcp://127.0.0.1:$PORT" >"$DIR/puma.log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 240); do
  if ! kill -0 "$pid" 2>/dev/null; then break; fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
    # From here on the folder belongs to the server, and goes with it.
    trap - EXIT
    (while kill -0 "$pid" 2>/dev/null; do sleep 1; done; rm -rf "$DIR") >/dev/null 2>&1 </dev/null &
    echo "READY http://127.0.0.1:$PORT pid=$pid $seeded"
    exit 0
  fi
  sleep 0.25
done
kill "$pid" 2>/dev/null || true
tail -20 "$DIR/puma.log" >&2
fail 'the server did not start in 60 s.'
