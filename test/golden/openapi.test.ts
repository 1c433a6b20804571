import { it } from '@jest/globals'
import { openApi } from '../../infra/openapi/document.ts'
import { expectGolden } from './golden.ts'

const PROSE = ['description', 'summary', 'title', 'example', 'examples']
/** Objects whose keys are names that the API defines, not keywords of OpenAPI. */
const MAPS = ['properties', 'schemas', 'parameters', 'responses', 'paths', 'securitySchemes']

it('the OpenAPI document describes the same API', () => {
  // Without the version of the package.
  const { info, ...document } = JSON.parse(JSON.stringify(openApi('https://webhooks.example.com')))
  expectGolden('openapi', withoutProse(document))
})

function withoutProse(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutProse(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => isMap || !PROSE.includes(key))
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutProse(item, !isMap && MAPS.includes(key))]))
}
