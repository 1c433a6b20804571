import { expect, test } from '@jest/globals'
import { graphqlProblems } from './graphql.ts'

const schema = `
# Comments and scalars are ignored.
scalar Guid
type Query { actor: Actor! }
type Actor { user: User entity(guid: Guid!, depth: Int): Entity }
interface Entity { name: String tags: [Tag!] }
type Tag { key: String! }
type User { id: Int }`

test.each([
  ['query user { actor { user { id } } }', []],
  ['query entity($guid: Guid!) { actor { entity(guid: $guid, depth: 2) { name tags { key } } } }', []],
  ['query user { actor { person { id } } }', ['Actor has no field person', ' has no field id']],
  ['query entity { actor { entity { name } } }', ['entity needs the argument guid']],
  ['query entity($guid: Guid) { actor { entity(guid: $guid) { name } } }', ['$guid is not Guid!']],
  ['query entity($g: Guid!) { actor { entity(guid: $g, size: 1) { name } } }', ['entity has no argument size']],
  ['query user { actor { user } }', ['user of User has the wrong selection']],
  ['query user { actor { user { id { x } } } }', ['id of Int has the wrong selection', 'Int has no field x']],
])('a query is compared with a schema: %s', (document, problems) => {
  expect(graphqlProblems(schema, document)).toEqual(problems)
})
