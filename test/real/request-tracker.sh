#!/bin/bash
# Starts a real Request Tracker 5 from Debian on a database of its own, with a queue `Operations` in which the user `robot` works.
#
#   PORT=3280 bash test/real/request-tracker.sh
#   READY http://127.0.0.1:3280 pid=4711 version=5.0.7 username=robot password=<its password>
. "$(dirname "$0")/server.sh"
prepare 3280
SERVER=/usr/share/request-tracker5/libexec/standalone_httpd
install_packages rt-5 request-tracker5 rt5-db-sqlite
[ -f "$SERVER" ] || unavailable 'request-tracker5 has no standalone server here.'

password=$(random_word)
mkdir "$DIR/site" "$DIR/mason" "$DIR/session"
cat >"$DIR/RT_SiteConfig.pm" <<PERL
Set(\$rtname, 'ops');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $PORT);
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$DIR/rt.db');
Set(\$DatabaseUser, '');
Set(\$DatabasePassword, '');
Set(\$MailCommand, 'testfile');
Set(\$LogToSyslog, undef);
Set(\$LogToSTDERR, 'warning');
Set(\$WebSessionClass, 'Apache::Session::File');
Set(\$MasonDataDir, '$DIR/mason');
Set(\$MasonSessionDir, '$DIR/session');
1;
PERL
export RT_SITE_CONFIG="$DIR/RT_SiteConfig.pm" RT_SITE_CONFIG_DIR="$DIR/site"
rt-setup-database-5 --action init --skip-create >"$DIR/setup.log" 2>&1 || {
  tail -20 "$DIR/setup.log" >&2
  fail 'its database could not be set up.'
}
cat >"$DIR/seed.pl" <<'PERL'
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib', '/usr/local/share/request-tracker5/lib';
use RT;
RT::LoadConfig(); RT::Init();
my $system = RT->SystemUser;
my $user = RT::User->new($system);
my ($id, $message) = $user->Create(Name => 'robot', EmailAddress => 'robot@example.com', Password => $ENV{ROBOT_PASSWORD}, Privileged => 1);
die $message unless $id;
my $queue = RT::Queue->new($system);
($id, $message) = $queue->Create(Name => 'Operations');
die $message unless $id;
for my $right (qw(SeeQueue CreateTicket ShowTicket ModifyTicket CommentOnTicket ReplyToTicket ShowTicketComments SeeCustomField OwnTicket)) {
  my ($ok, $why) = $user->PrincipalObj->GrantRight(Right => $right, Object => $queue);
  die $why unless $ok;
}
PERL
ROBOT_PASSWORD=$password perl "$DIR/seed.pl" >"$DIR/seed.log" 2>&1 || {
  tail -20 "$DIR/seed.log" >&2
  fail 'its user and queue could not be set up.'
}
perl "$SERVER" --host 127.0.0.1 --port "$PORT" >"$DIR/server.log" 2>&1 </dev/null &
pid=$!
url=http://127.0.0.1:$PORT
wait_until 90 "$pid" "$DIR/server.log" curl -sf -u "robot:$password" "$url/REST/2.0/rt"
ready "$url" "$pid" "version=$(version_of request-tracker5)" username=robot "password=$password"
