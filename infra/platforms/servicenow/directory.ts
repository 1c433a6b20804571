import { createHash } from 'node:crypto'
import { demo } from '../sandbox/demo.ts'
import type { ServiceNowRecord } from './columns.ts'

/** Under whose name everything is done. */
export const integration = person('Sandbox Integration', demo.serviceNow.username)

/** Who and what an incident can refer to, by table: some of those that a new instance comes with. */
export const directory: Record<string, ServiceNowRecord[]> = {
  sys_user: [
    integration,
    person('System Administrator', 'admin'),
    person('Abel Tuter', 'abel.tuter'),
    person('Beth Anglin', 'beth.anglin'),
    person('David Loo', 'david.loo'),
  ],
  sys_user_group: ['Service Desk', 'Network', 'Database', 'Software', 'Hardware'].map((name) => ({
    sys_id: sysIdOf('sys_user_group', name),
    name,
    active: 'true',
  })),
}

/** What a reference is called; undefined where only its sys_id is known. */
export function nameOf(sysId: string): string | undefined {
  return Object.values(directory)
    .flat()
    .find(({ sys_id }) => sys_id === sysId)?.['name']
}

/** The sys_id of what is called so; empty where there is no such record, as ServiceNow leaves it. */
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
