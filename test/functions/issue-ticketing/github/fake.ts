import { createGitHub } from '../../../../infra/sandbox/platforms/github/index.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

/** Starts the sandbox's GitHub. */
async function startGithubIssues(): Promise<Served & { made(): number }> {
  const store = openStore()
  const github = createGitHub(store)
  const served = await servePlatform(github)
  return {
    ...served,
    made: () => github.issues(served.url).length,
    async close() {
      await served.close()
      store.close()
    },
  }
}

export const writeRow = {
  action: 'open-issue',
  writes: /^POST .*\/issues$/,
  start: startWith(startGithubIssues, ({ url: baseUrl, made }) => ({
    connection: { baseUrl, token: demo.githubToken, project: 'acme/shop' },
    input: { title: 'Checkout is slow' },
    made,
  })),
} satisfies WriteRow
