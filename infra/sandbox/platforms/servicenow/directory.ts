import { createHash } from 'node:crypto'
import { demo } from '../sandbox/demo.ts'
import type { ServiceNowRecord } from './columns.ts'

/** The user of the API. */
export const integration = person('Sandbox Integration', demo.serviceNow.username)

/** The users and groups, by table. */
export const directory: Record<string, ServiceNowRecord[]> = {
  sys_user: [
    integration,
    person('System Administrator', 'admin'),
    person('Abel Tuter', 'abel.tuter'),
    person('Beth Anglin', 'beth.anglin'),
    person('David Loo', 'david.loo'),
    { ...person('Mia Krystof', 'mia'), sys_id: '681b365ec0a80164000fb0b05854a0cd' },
    person('Noah Weber', 'noah'),
    { ...person('Noah Weber', 'noah.2'), sys_id: sysIdOf('sys_user', 'noah.2') },
    { ...person('Old Timer', 'old'), active: 'false' },
  ],
  sys_user_group: ['Service Desk', 'Network', 'Database', 'Software', 'Hardware'].map((name) => ({
    sys_id: name === 'Network' ? '287ebd7da9fe198100f92cc8d1d2154e' : sysIdOf('sys_user_group', name),
    name,
    active: 'true',
  })),
}

/** Returns the name of a record, if the directory contains it. */
export function nameOf(sysId: string): string | undefined {
  return Object.values(directory)
    .flat()
    .find(({ sys_id }) => sys_id === sysId)?.['name']
}

/** Returns the sys_id of the record with a name, or empty text, as ServiceNow does. */
export function sysIdNamed(table: string, name: string): string {
  return directory[table]?.find((record) => record['name'] === name)?.['sys_id'] ?? ''
}

function person(name: string, user_name: string) {
  const email = `${user_name}@example.com`
  return { sys_id: sysIdOf('sys_user', name), name, user_name, email, active: 'true' }
}

function sysIdOf(table: string, name: string): string {
  return createHash('sha256').update(`${table}:${name}`).digest('hex').slice(0, 32)
}
