import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildBundles } from '../../infra/build/bundles.ts'
import { dist } from '../../infra/build/files.ts'
import { type Bench, interleave, median, ratio, type Section, seconds } from './measure.ts'

const root = join(import.meta.dirname, '../..')
const rounds = 3

/** Measures `cdk synth` with built bundles. */
export async function synth({ scratch, progress }: Bench): Promise<Section> {
  // The app reads the bundles.
  if (!existsSync(dist)) await buildBundles()
  const small = join(scratch, 'small-app.cjs')
  const library = JSON.stringify(join(root, 'node_modules/aws-cdk-lib'))
  // CloudFormation requires at least one resource.
  const resource = "{ type: 'AWS::CloudFormation::WaitConditionHandle' }"
  await writeFile(
    small,
    `const { App, CfnResource, Stack } = require(${library})
new CfnResource(new Stack(new App(), 'Small'), 'Nothing', ${resource})`,
  )
  const cdk =
    (...more: string[]) =>
    async () => {
      const startedAt = performance.now()
      const output = join(scratch, 'cdk.out')
      const shown = ['synth', '--quiet', '--no-notices', '--no-version-reporting', '--output', output, ...more]
      // cdk.json runs `node`, which must be this one.
      const env = { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) }
      await promisify(execFile)(process.execPath, [join(root, 'node_modules/aws-cdk/bin/cdk'), ...shown], {
        cwd: root,
        env,
      })
      return performance.now() - startedAt
    }
  progress(`${rounds} runs of cdk synth, and of a stack of one resource`)
  const runs = await interleave(rounds, {
    'a stack of one resource': cdk('--app', `node ${JSON.stringify(small)}`),
    ours: cdk(),
  })
  const baseline = median(runs['a stack of one resource'])
  return {
    title: 'Synth',
    columns: ['app', 'cdk synth, median', 'fastest', 'ratio'],
    rows: Object.entries(runs).map(([name, times]) => [
      name,
      seconds(median(times)),
      seconds(Math.min(...times)),
      ratio(median(times), baseline),
    ]),
    notes: [`${rounds} runs of each, in turns.`],
  }
}
