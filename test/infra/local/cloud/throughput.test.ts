import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from '@jest/globals'
import { waitForAll } from '../../../wait-for-all.ts'
import { durable, folder, lines, start, startExecution, until } from './harness.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

test('100 concurrent executions complete on four threads', async () => {
  const { cloud, lambda, seen } = await start({
    state: folder.file('many'),
    functions: durable(['task'], { concurrency: 4 }),
  })
  const count = 100
  await waitForAll(Array.from({ length: count }, (_, id) => startExecution(lambda, 'task', { id }, `task-${id}`)))
  await until(() => cloud.executions({ statuses: ['RUNNING'] }).length === 0, 'the end of all executions')
  expect(cloud.executions({ statuses: ['SUCCEEDED'] })).toHaveLength(count)
  const results = seen.flatMap((o) => (o.kind === 'execution' && o.status === 'SUCCEEDED' ? [Number(o.result)] : []))
  expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, id) => id))
  expect(seen.filter((o) => o.kind === 'invocation' && o.coldStart)).toHaveLength(4)
  await cloud.close()
})

test('10,000 waiting executions use no memory and do not block others', async () => {
  const state = folder.file('waiting')
  const functions = durable(['approval', 'greet'])
  const notes = folder.file('callback')
  const first = await start({ state, functions, timeScale: 1 })
  void first.cloud.invoke('approval', { file: notes, timeout: 86_400 })
  await until(() => lines(notes)[0], 'the callback')
  await until(() => first.seen.some(({ kind }) => kind === 'invocation'), 'the suspension')
  await first.cloud.close()
  multiply(join(state, 'durable.db'), 10_000)

  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const second = await start({ state, functions, timeScale: 1 })
  await expect(second.cloud.invoke('greet', { name: 'Zoe' })).resolves.toEqual({ result: { greeting: 'Hello Zoe' } })
  collectGarbage()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000 * 1_024)
  expect(second.cloud.executions({ statuses: ['RUNNING'], limit: 20_000 })).toHaveLength(10_001)
  await second.cloud.close()
})

/** Copies the only execution of a database with its operations and events. */
function multiply(path: string, times: number): void {
  const db = new DatabaseSync(path)
  const columns = (table: string, changed: Record<string, string>) => {
    const names = db
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => String(name))
    const copied = names.filter((name) => name !== 'seq')
    return { names: copied.join(), values: copied.map((name) => changed[name] ?? name).join() }
  }
  const copy = (table: string, changed: Record<string, string>) => {
    const { names, values } = columns(table, changed)
    db.exec(
      `WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${times})
       INSERT INTO ${table} (${names}) SELECT ${values} FROM ${table} CROSS JOIN n`,
    )
  }
  db.exec('BEGIN')
  copy('execution', { id: 'id + i', arn: `arn || i`, uuid: `uuid || i`, name: `name || i` })
  copy('operation', { execution: 'execution + i', callback_id: `callback_id || i` })
  copy('event', { execution: 'execution + i' })
  db.exec('COMMIT')
  db.close()
}
