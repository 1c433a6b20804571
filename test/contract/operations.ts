import type { Contract, Operation, Parameter, Schema } from '../../infra/openapi/contract.ts'
import type { ExtraOperation } from './extra-operations.ts'
import { fields } from './fields.ts'

/** The content type of AWS services that use one path for all operations. */
const AMAZON_JSON = 'application/x-amz-json-1.1'

/** The operations of a contract, and those beyond it. */
export function operationsOf(contract: Contract, extra: ExtraOperation[], under = ''): Operation[] {
  const known = contract.operations.map((operation) => {
    const { query = '', body } = extra.find((one) => one.operation === operation.name) ?? {}
    const replaced = operation.parameters.filter((one) => one.in === 'query' && one.name in fields(query))
    const isRequired = (name: string) => replaced.some((one) => one.name === name && one.required)
    const added = parametersOf(query).map((one) => ({ ...one, required: isRequired(one.name) }))
    const parameters = [...operation.parameters.filter((one) => !replaced.includes(one)), ...added]
    return { ...operation, parameters, body: withBody(operation, body, contract) }
  })
  const others = extra.filter((one) => !known.some(({ name }) => name === one.operation))
  return [...known, ...others.map((one) => operationOf(one, contract, under))]
}

/** Each part of a body must be known to the contract or to the additional schema. */
function withBody({ name, body }: Operation, more: Schema | undefined, contract: Contract): Operation['body'] {
  if (!body || more === undefined) return body ?? bodyOf(more, name, contract)
  const content = Object.entries(body.content).map(([type, { schema, examples }]) => [
    type,
    { schema: { anyOf: [schema, more] }, examples },
  ])
  return { ...body, content: Object.fromEntries(content) }
}

/** The call as an operation of the contract, with credentials as its others have them. */
function operationOf(one: ExtraOperation, contract: Contract, underContract: string): Operation {
  const { operation, query = '', body, contentType, under = underContract } = one
  const [method = '', path = ''] = operation.split(' ')
  return {
    name: operation,
    method,
    path: `${under}${path}`,
    parameters: parametersOf(query),
    body: bodyOf(body, path, contract, true, contentType),
    credentials: contract.operations.find(({ credentials }) => credentials.length > 0)?.credentials ?? [],
    responses: [],
  }
}

function bodyOf(
  schema: Schema | undefined,
  path: string,
  contract: Contract,
  required = false,
  contentType = contentTypeOf(path, contract),
): Operation['body'] {
  if (schema === undefined) return undefined
  return { required, content: { [contentType]: { schema, examples: [] } } }
}

/** Services of AWS take forms, or speak one version of its JSON each. */
function contentTypeOf(path: string, { operations }: Contract): string {
  if (path.includes('#Action')) return 'application/x-www-form-urlencoded'
  if (!path.includes('#X-Amz-Target')) return 'application/json'
  return operations.flatMap(({ body }) => Object.keys(body?.content ?? {}))[0] ?? AMAZON_JSON
}

function parametersOf(query: string): Parameter[] {
  return Object.entries(fields(query)).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}
