#!/bin/bash
# Starts a real Buildbot from Debian with a worker, and the force schedulers `quick` (passes), `broken` (fails) and `slow`
# (runs for five minutes). People and programs log in with a name and a password, and get a cookie.
#
#   PORT=3300 bash test/real/buildbot.sh
#   READY http://127.0.0.1:3300 pid=4711 version=4.2.1 username=robot password=<its password>
. "$(dirname "$0")/server.sh"
prepare 3300
install_packages buildbot buildbot buildbot-worker
WORKER_PORT=${WORKER_PORT:-$((PORT + 1))}

password=$(random_word)
worker_password=$(random_word)
buildbot create-master "$DIR/master" >"$DIR/setup.log" 2>&1 || {
  tail -20 "$DIR/setup.log" >&2
  fail 'it could not be set up.'
}
cat >"$DIR/master/master.cfg" <<PYTHON
from buildbot.plugins import schedulers, steps, util, worker
from buildbot.config import BuilderConfig
c = BuildmasterConfig = {}
c['title'] = 'ops'
c['buildbotURL'] = 'http://127.0.0.1:$PORT/'
c['buildbotNetUsageData'] = None
c['protocols'] = {'pb': {'port': 'tcp:$WORKER_PORT:interface=127.0.0.1'}}
c["workers"] = [worker.Worker("local", "$worker_password", max_builds=4)]
commands = {'quick': ['echo', 'done'], 'broken': ['false'], 'slow': ['sleep', '300']}
c['builders'] = []
c['schedulers'] = []
for name, command in commands.items():
    factory = util.BuildFactory([steps.ShellCommand(command=command, name=name)])
    c['builders'].append(BuilderConfig(name=name, workernames=['local'], factory=factory))
    c['schedulers'].append(schedulers.ForceScheduler(
        name=name, builderNames=[name], codebases=[util.CodebaseParameter('', hide=True)],
        reason=util.StringParameter(name='reason', default='', size=80),
        properties=[
            util.StringParameter(name='key', default='', size=80),
            util.IntParameter(name='count', default=1)]))
c['db'] = {'db_url': 'sqlite:///state.sqlite'}
c['www'] = {
    'port': 'tcp:$PORT:interface=127.0.0.1',
    'auth': util.UserPasswordAuth({'robot': '$password'}),
    'authz': util.Authz(
        allowRules=[util.AnyControlEndpointMatcher(role='robots')],
        roleMatchers=[util.RolesFromUsername(roles=['robots'], usernames=['robot'])]),
}
PYTHON
# Debian has no package of Buildbot's web interface, without which Buildbot serves no API: an empty one takes its place.
mkdir -p "$DIR/site/buildbot_www/static" "$DIR/site/buildbot_www-0.dist-info"
echo 0 >"$DIR/site/buildbot_www/VERSION"
echo "<html></html>" >"$DIR/site/buildbot_www/static/index.html"
cat >"$DIR/site/buildbot_www/__init__.py" <<'PYTHON'
from buildbot.www.plugin import Application
ep = Application(__name__, 'no web interface')
PYTHON
printf 'Metadata-Version: 2.1\nName: buildbot-www\nVersion: 0\n' >"$DIR/site/buildbot_www-0.dist-info/METADATA"
printf '[buildbot.www]\nbase = buildbot_www:ep\n' >"$DIR/site/buildbot_www-0.dist-info/entry_points.txt"
# Debian's package also leaves out buildbot.test, of which Buildbot itself imports one class when it compresses a log.
cat >"$DIR/site/sitecustomize.py" <<'PYTHON'
import sys, types
for name in ('buildbot.test', 'buildbot.test.fake', 'buildbot.test.fake.reactor'):
    sys.modules[name] = types.ModuleType(name)
sys.modules['buildbot.test.fake.reactor'].NonThreadPool = type('NonThreadPool', (), {})
PYTHON
export PYTHONPATH="$DIR/site"

buildbot-worker create-worker "$DIR/worker" "127.0.0.1:$WORKER_PORT" local "$worker_password" >>"$DIR/setup.log" 2>&1
cd "$DIR/master"
buildbot start --nodaemon >"$DIR/server.log" 2>&1 </dev/null &
pid=$!
url=http://127.0.0.1:$PORT
wait_until 120 "$pid" "$DIR/server.log" curl -sf "$url/api/v2/forceschedulers/quick"
cd "$DIR/worker"
buildbot-worker start --nodaemon >"$DIR/worker.log" 2>&1 </dev/null &
worker=$!
(while kill -0 "$pid" 2>/dev/null; do sleep 0.5; done; kill "$worker" 2>/dev/null) >/dev/null 2>&1 </dev/null &
connected() { curl -sf "$url/api/v2/workers" | tr -d ' \n' | grep -q '"connected_to":\[{'; }
wait_until 60 "$worker" "$DIR/worker.log" connected
ready "$url" "$pid" "version=$(version_of buildbot)" username=robot "password=$password"
