// Prints the record of the endpoint for agents, for aws agent-registry-control create-registry-record --cli-input-json.
// WEBHOOKS_TOKEN is the token of a caller. The record lists the tools that this caller may use.
import { readFileSync } from 'node:fs'

const server = JSON.parse(readFileSync(new URL('server.json', import.meta.url), 'utf8'))
const url = process.argv[2] ?? server.remotes[0].url
server.remotes[0].url = url
const response = await fetch(url, {
  method: 'POST',
  headers: { authorization: `Bearer ${process.env.WEBHOOKS_TOKEN}`, 'content-type': 'application/json' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
})
if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
const { tools } = (await response.json()).result
const record = {
  recordType: 'MCP',
  name: server.name,
  displayName: server.title,
  description: server.description,
  recordVersion: server.version,
  descriptors: {
    mcpServer: {
      data: JSON.stringify(server),
      dataSchemaVersion: '2025-12-11',
      additionalData: { tools: { data: JSON.stringify({ tools }), dataSchemaVersion: '2025-11-25' } },
    },
  },
}
console.log(JSON.stringify(record, null, 2))
