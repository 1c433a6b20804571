#!/bin/bash
# Starts a real Zabbix from Debian with its own database and its API. It starts the server again when that ends.
#
#   PORT=3260 bash test/real/zabbix.sh
#   READY http://127.0.0.1:3260 pid=4711 version=7.0.22 password=<of Admin> values=<port> pidfile=<file with the id of the server>
. "$(dirname "$0")/server.sh"
prepare 3260
[ "$(id -u)" = 0 ] || unavailable 'it takes root, to install Zabbix and to run it as another user.'
install_packages zabbix_server zabbix-server-pgsql zabbix-frontend-php php-cli php-pgsql postgresql
SQL=/usr/share/zabbix-server-pgsql
[ -f "$SQL/schema.sql.gz" ] || unavailable 'Zabbix for PostgreSQL is not installed.'
postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
id zabbix >/dev/null 2>&1 || useradd --system --user-group --no-create-home zabbix
# Zabbix accepts ports up to 32767.
values=$((PORT > 22767 ? PORT - 10000 : PORT + 10000))

# Runs a command as the user zabbix, and ends it with the process that has started it.
zabbix=(setpriv --reuid=zabbix --regid=zabbix --init-groups --pdeathsig TERM
  env -i PATH="$PATH" LANG=C.UTF-8 HOME="$DIR" PGHOST="$DIR")

# Only the user zabbix can reach the database.
chown zabbix "$DIR"
chmod 700 "$DIR"
"${zabbix[@]}" "$postgres/initdb" -D "$DIR/db" -E UTF8 --auth=trust >"$DIR/initdb.log" 2>&1 || fail "$(tail -3 "$DIR/initdb.log")"
database=("$postgres/postgres" -D "$DIR/db" -k "$DIR" -c listen_addresses= -c fsync=off)
"${zabbix[@]}" "${database[@]}" >"$DIR/db.log" 2>&1 </dev/null &
pid=$!
wait_until 30 "$pid" "$DIR/db.log" "${zabbix[@]}" psql -d postgres -c 'SELECT 1'
"${zabbix[@]}" createdb zabbix
for name in schema images data; do
  gzip -dc "$SQL/$name.sql.gz" | "${zabbix[@]}" psql -q -v ON_ERROR_STOP=1 zabbix >"$DIR/sql.log" 2>&1 || fail "$(tail -3 "$DIR/sql.log")"
done
"${zabbix[@]}" "$postgres/pg_ctl" -D "$DIR/db" stop -m fast >/dev/null

cat >"$DIR/zabbix_server.conf" <<CONF
DBHost=$DIR
DBName=zabbix
DBUser=zabbix
ListenIP=127.0.0.1
ListenPort=$values
SocketDir=$DIR
PidFile=$DIR/server.pid
LogType=console
CacheUpdateFrequency=1
CONF
cp -r /usr/share/zabbix "$DIR/frontend"
# Debian's frontend has its configuration at a fixed path.
sed -i "s#/etc/zabbix/zabbix.conf.php#$DIR/zabbix.conf.php#" "$DIR/frontend/include/classes/core/CConfigFile.php"
cat >"$DIR/zabbix.conf.php" <<PHP
<?php
\$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => '$DIR', 'PORT' => '0', 'DATABASE' => 'zabbix', 'USER' => 'zabbix',
  'PASSWORD' => '', 'SCHEMA' => '', 'ENCRYPTION' => false, 'KEY_FILE' => '', 'CERT_FILE' => '', 'CA_FILE' => '',
  'VERIFY_HOST' => false, 'CIPHER_LIST' => '', 'VAULT' => ''];
\$ZBX_SERVER = '127.0.0.1';
\$ZBX_SERVER_PORT = '$values';
PHP
chown -R zabbix "$DIR"

supervise() {
  trap 'kill $(jobs -p); wait; exit' TERM
  "${zabbix[@]}" "${database[@]}" &
  "${zabbix[@]}" php -S "127.0.0.1:$PORT" -t "$DIR/frontend" &
  while true; do
    "${zabbix[@]}" zabbix_server -f -c "$DIR/zabbix_server.conf" &
    wait $! || true
    sleep 0.5
  done
}
supervise >"$DIR/server.log" 2>&1 </dev/null &
pid=$!

# A new Zabbix has the password zabbix.
login() {
  curl -sf "http://127.0.0.1:$PORT/api_jsonrpc.php" -H 'content-type: application/json-rpc' -d \
    '{"jsonrpc":"2.0","id":1,"method":"user.login","params":{"username":"Admin","password":"zabbix"}}' | grep -q result
}
takes_values() { (exec 3<>"/dev/tcp/127.0.0.1/$values"); }
wait_until 180 "$pid" "$DIR/server.log" login
wait_until 180 "$pid" "$DIR/server.log" takes_values
ready "http://127.0.0.1:$PORT" "$pid" "version=$(version_of zabbix-server-pgsql)" password=zabbix "values=$values" \
  "pidfile=$DIR/server.pid"
