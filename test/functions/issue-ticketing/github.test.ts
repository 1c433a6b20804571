import { github } from '../../../functions/issue-ticketing/providers/github.ts'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { startGithubIssues } from '../../conformance/github-issues.ts'
import { ticketConformance } from '../../conformance/ticket.ts'

ticketConformance(github, {
  async start() {
    const server = await startGithubIssues()
    const connection = { baseUrl: `${server.url}/sandbox/github`, token: demo.githubToken, project: 'acme/shop' }
    return { server, connection, made: server.made }
  },
  unknownId: 'acme/shop#424242',
  wrongId: 'no such thing',
})
