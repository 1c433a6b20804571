import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { zabbix } from '../../shared/sources/types/zabbix.ts'
import { until } from '../e2e/service.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { ticketsOfAlerts } from './alert-tickets.ts'
import { send, startedProgram } from './platform.ts'

const { details } = startedProgram()
const { service, token, deliveries, expectTickets } = ticketsOfAlerts(temporaryFolder(), 'zabbix', 'name')
const HOST = 'checkout'
let session: string | undefined

/** Calls the API of Zabbix. */
async function call(method: string, params: object) {
  const headers = { 'content-type': 'application/json-rpc', ...(session && { authorization: `Bearer ${session}` }) }
  const { result, error } = await send('POST', '/api_jsonrpc.php', headers, { jsonrpc: '2.0', id: 1, method, params })
  if (error) throw new Error(`${method}: ${error.data}`)
  return result
}

/** Returns the lines of a step of the documentation. */
function documented(start: string): string[] {
  const step = zabbix.setup.map(String).find((candidate) => candidate.startsWith(start)) ?? ''
  return step.split('\n').slice(1)
}

/** Follows the documentation, except that it repeats each second what failed, and problems every minute. */
async function configure(): Promise<void> {
  session = await call('user.login', { username: 'Admin', password: details['password'] })
  await call('usermacro.createglobal', { macro: '{$WEBHOOKS.TOKEN}', value: token, type: 1 })
  const parameters = documented('Parameters').map((line) => {
    const [name = '', value = ''] = line.split(' ')
    return { name, value: value.replace('{url}', `${service.url}/v1/events/zabbix`) }
  })
  const { mediatypeids } = await call('mediatype.create', {
    name: 'webhooks',
    type: 4,
    status: 0,
    parameters,
    script: documented('Script').join('\n'),
    maxattempts: 100,
    attempt_interval: '1s',
    message_templates: [0, 1].map((recovery) => ({ eventsource: 0, recovery, subject: 'alert', message: 'alert' })),
  })
  const [mediatypeid] = mediatypeids
  const [{ userid }] = await call('user.get', { filter: { username: 'Admin' } })
  await call('user.update', { userid, medias: [{ mediatypeid, sendto: 'webhooks' }] })
  const message = { operationtype: 0, opmessage: { default_msg: 1, mediatypeid }, opmessage_usr: [{ userid }] }
  await call('action.create', {
    name: 'webhooks',
    eventsource: 0,
    esc_period: '1m',
    operations: [{ ...message, esc_step_from: 1, esc_step_to: 0 }],
    recovery_operations: [message],
  })
}

/** Creates an item with a trigger. */
async function addTrigger(name: string): Promise<void> {
  const [{ hostid }] = await call('host.get', { filter: { host: HOST } })
  await call('item.create', { hostid, name, key_: name, type: 2, value_type: 0 })
  await call('trigger.create', { description: name, expression: `last(/${HOST}/${name})>3`, priority: 4 })
}

/** Sends high values until there is a problem: the server reads new triggers each second. */
async function startProblem(name: string): Promise<void> {
  const isProblem = async () => {
    await setValue(name, 5)
    return (await call('problem.get', { filter: { name } })).length > 0
  }
  await until(isProblem, 30, () => `the problem ${name}`)
}

/** Sends a value, until the server accepts it: it reads new items each second, and may be restarting. */
async function setValue(key: string, value: number): Promise<void> {
  const data = [{ host: HOST, key, value: String(value) }]
  const body = Buffer.from(JSON.stringify({ request: 'sender data', data }))
  const header = Buffer.alloc(13)
  header.write('ZBXD\u0001', 'latin1')
  header.writeUInt32LE(body.length, 5)
  const isAccepted = async () => {
    const socket = connect(Number(details['values']), '127.0.0.1')
    socket.end(Buffer.concat([header, body]))
    return text(socket).then(
      (response) => response.includes('processed: 1'),
      () => false,
    )
  }
  await until(isAccepted, 30, () => `the value ${value} of ${key}`)
}

beforeAll(async () => {
  await service.start()
  await configure()
  const { groupids } = await call('hostgroup.create', { name: 'Shop' })
  await call('host.create', { host: HOST, groups: [{ groupid: groupids[0] }], tags: [{ tag: 'service', value: HOST }] })
  // Its own triggers would fire, because it has no agent.
  const [{ hostid }] = await call('host.get', { filter: { host: 'Zabbix server' } })
  await call('host.update', { hostid, status: 1 })
})
afterAll(() => service.end())

describe('Zabbix', () => {
  test('opens a ticket once, even if the problem is repeated, and closes it', async () => {
    await addTrigger('slow')
    await startProblem('slow')
    await expectTickets('slow', ['open'])
    const before = deliveries()
    await until(
      async () => deliveries() > before,
      90,
      () => 'a repeated notification',
    )
    await setValue('slow', 1)
    await expectTickets('slow', ['closed'])
  })

  test('opens another ticket for the next problem', async () => {
    await startProblem('slow')
    await expectTickets('slow', ['closed', 'open'])
  })

  test('closes the ticket after a restart', async () => {
    await addTrigger('restart')
    await startProblem('restart')
    await expectTickets('restart', ['open'])
    const id = readFileSync(details['pidfile'] ?? '', 'utf8').trim()
    process.kill(Number(id), 'SIGTERM')
    await setValue('restart', 1)
    await expectTickets('restart', ['closed'])
  })

  test('repeats what it could not send while the functions were down', async () => {
    await addTrigger('down')
    await addTrigger('down-too')
    await startProblem('down')
    await expectTickets('down', ['open'])
    await service.kill()
    await setValue('down', 1)
    await startProblem('down-too')
    const failed = () => call('alert.get', { filter: { status: 0 }, output: ['retries'] })
    await until(
      async () => (await failed()).length >= 2,
      60,
      () => 'failed notifications',
    )
    await service.start()
    await expectTickets('down', ['closed'])
    await expectTickets('down-too', ['open'])
    expect(service.logs().filter(({ message }) => message === 'rule not evaluated')).toEqual([])
  })
})
