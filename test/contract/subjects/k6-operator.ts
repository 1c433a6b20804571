import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const runs = '/apis/k6.io/v1alpha1/namespaces/{namespace}/testruns'
const read = `GET ${runs}/{name}`
const id = 'wh-0123456789abcdef0123456789abcdef01234567'
const run = { apiVersion: 'k6.io/v1alpha1', kind: 'TestRun', metadata: { name: id } }
const inStage = (stage: string): Answer => ({ body: { ...run, status: { stage } } })
const gone: Answer = {
  status: 404,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', message: 'not found', code: 404 },
}
const starts = casesOf('start-test', { target: 'checkout/test.js' })

export const k6Operator: Subject = {
  name: 'k6-operator',
  contract: 'k6-operator-testrun',
  answers: {
    [`POST ${runs}`]: { status: 201, body: run },
    [`GET ${runs}`]: { body: { items: [] } },
    [read]: inStage('finished'),
    [`DELETE ${runs}/{name}`]: { body: run },
  },
  cases: [
    { action: 'check', how: 'the permissions' },
    starts.passes('with a script alone', 'finished'),
    starts.passes('with everything', 'finished', {
      connection: { parallelism: 4, image: 'acme/k6', serviceAccount: 'k6', arguments: '--tag stage=dev' },
      input: { parameters: { URL: 'https://shop.example.com' } },
    }),
    starts.fails('which is stopped', 'stopped', { answers: { [read]: [inStage('stopped')] } }),
    casesOf('stop-test', { id }).passes('a running one', '', {
      stops: true,
      answers: { [read]: [inStage('started'), gone] },
    }),
  ],
  run: driveProvider('load-testing', 'k6-operator', {
    token: 'a-token-of-a-service-account',
    namespace: 'shop',
    scripts: ['*'],
  }),
}
