import type { Program } from './program.ts'

export const redmine: Program = {
  name: 'Redmine',
  script: 'redmine.sh',
  suite: 'redmine',
}

export const unleash: Program = {
  name: 'Unleash',
  script: 'unleash.sh',
  suite: 'unleash',
}

export const ntfy: Program = {
  name: 'ntfy',
  script: 'ntfy.sh',
  suite: 'ntfy',
  unreachable: {
    'the decision replaces an approval, and a repeat changes nothing': 'sequences need ntfy 2.16',
    'shows the sequence of the event': 'sequences need ntfy 2.16',
  },
}

export const prometheus: Program = {
  name: 'Prometheus',
  script: 'prometheus.sh',
  suite: 'prometheus',
}

export const alertmanager: Program = {
  name: 'Alertmanager as a source',
  script: 'alertmanager.sh',
  suite: 'alertmanager',
}

export const zabbix: Program = {
  name: 'Zabbix',
  script: 'zabbix.sh',
  suite: 'zabbix',
}
