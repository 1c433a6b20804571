#!/bin/bash
# Starts a real Redmine 6 from Debian with its REST API, its own database and a project.
#
#   PORT=3210 bash test/real/redmine.sh
#   READY http://127.0.0.1:3210 pid=4711 admin=<key> robot=<key of a manager> mia=<key> editor=<key> viewer=<key> project=ops
. "$(dirname "$0")/server.sh"
HOME_OF_REDMINE=/usr/share/redmine
prepare 3210
[ "$(id -u)" = 0 ] || unavailable 'it takes root, to install Redmine and to run it as www-data.'
install_packages puma redmine redmine-sqlite puma
[ -f "$HOME_OF_REDMINE/config.ru" ] || unavailable 'Redmine is not installed.'
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
# May start work on an issue, but neither close it nor write notes.
editor = Role.create!(name: 'Editor', permissions: %i[view_issues add_issues edit_issues])
new, in_progress = ['New', 'In Progress'].map { |name| IssueStatus.find_by!(name: name) }
Tracker.all.each { |tracker| WorkflowTransition.create!(role: editor, tracker: tracker, old_status: new, new_status: in_progress) }
viewer = Role.create!(name: 'Viewer', permissions: %i[view_issues])
members = [
  [person('robot', 'Robby', 'Robot'), manager], [person('mia', 'Mia', 'Krystof'), developer],
  [person('editor', 'editor', 'X'), editor], [person('viewer', 'viewer', 'X'), viewer]
]
members.each { |user, role| Member.create!(project: project, principal: user, roles: [role]) }
keys = [person('admin', 'Redmine', 'Admin'), *members.map(&:first)].map { |user| "#{user.login}=#{user.api_key}" }
puts "#{keys.join(' ')} project=#{project.identifier}"
RUBY

cd "$HOME_OF_REDMINE"
redmine=(setpriv --reuid=www-data --regid=www-data --init-groups env -i
  PATH="$PATH" LANG=C.UTF-8 HOME="$DIR" RAILS_ENV=production REDMINE_INSTANCE=default REDMINE_LANG=en
  REDMINE_HOST="127.0.0.1:$PORT" DATABASE_URL="sqlite3:$DIR/redmine.db" SECRET_KEY_BASE=throwaway SCHEMA="$DIR/schema.rb")

# Apart: a model that was loaded before the migrations does not see the columns they add.
for task in db:migrate redmine:load_default_data; do
  timeout "$((120 * PATIENCE))" "${redmine[@]}" bundle exec rake "$task" >"$DIR/rake.log" 2>&1 || {
    tail -20 "$DIR/rake.log" >&2
    fail 'its database could not be set up.'
  }
done
seeded=$(timeout "$((120 * PATIENCE))" "${redmine[@]}" bin/rails runner "$DIR/seed.rb" 2>"$DIR/seed.log" | grep '^admin=') || {
  tail -20 "$DIR/seed.log" >&2
  fail 'its project could not be set up.'
}

"${redmine[@]}" puma --quiet --threads 1:4 --bind "tcp://127.0.0.1:$PORT" >"$DIR/puma.log" 2>&1 </dev/null &
pid=$!
wait_until 60 "$pid" "$DIR/puma.log" port_answers
ready "http://127.0.0.1:$PORT" "$pid" "$seeded"
