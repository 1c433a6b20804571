import { startArgoCd } from '../../platforms/argo-cd.ts'
import { startCodeBuild } from '../../platforms/aws-codebuild.ts'
import { startCodePipeline } from '../../platforms/aws-codepipeline.ts'
import { startAzurePipelines } from '../../platforms/azure-pipelines.ts'
import { startCircleci } from '../../platforms/circleci.ts'
import { startGithubActions } from '../../platforms/github/actions-server.ts'
import { startGitlabCi } from '../../platforms/gitlab-ci.ts'
import { startGoogleCloudBuild } from '../../platforms/google-cloud-build.ts'
import { startGoogleCloudDeploy } from '../../platforms/google-cloud-deploy.ts'
import { startHcpTerraform } from '../../platforms/hcp-terraform.ts'
import { startJenkins } from '../../platforms/jenkins.ts'
import { startKubernetes } from '../../platforms/kubernetes.ts'
import { startTekton } from '../../platforms/tekton.ts'
import { play } from '../platform.ts'
import { type JobPlatform, stages, stopsWhenAsked } from './platform.ts'

const region = 'eu-west-1'

export const ciCdPlatforms = {
  'github-actions': {
    known: 'look-up',
    starts: /^POST .*\/dispatches$/,
    start: play(startGithubActions, ({ url: baseUrl, token, state, finish }) => {
      const project = 'octo-org/octo-repo'
      const newest = () => state.runs.at(-1)
      const enter = (name: string) => {
        const [status = '', conclusion] = name.split('/')
        if (conclusion) finish(conclusion)
        else Object.assign(newest() ?? {}, { status })
      }
      return {
        connection: { baseUrl, token, keyInput: 'key' },
        input: { target: 'deploy.yml', project },
        runs: () => state.runs.length,
        id: () => `${project}#${newest()?.id}`,
        ...stages(enter, 'in_progress', 'completed/success'),
        hasStopped: () => newest()?.conclusion === 'cancelled',
      }
    }),
  },
  'gitlab-ci': {
    known: 'look-up',
    starts: /^POST .*\/pipeline$/,
    start: play(startGitlabCi, ({ url: baseUrl, token, state, finish }) => {
      const project = 'ops/shop/checkout'
      const newest = () => state.pipelines.at(-1)
      const enter = (status: string) => {
        if (['success', 'skipped', 'failed', 'canceled'].includes(status)) finish(status)
        else Object.assign(newest() ?? {}, { status })
      }
      return {
        connection: { baseUrl, token },
        input: { project },
        runs: () => state.pipelines.length,
        id: () => `${project}#${newest()?.id}`,
        ...stages(enter, 'running', 'success'),
        hasStopped: () => newest()?.status === 'canceled',
      }
    }),
  },
  jenkins: {
    known: 'look-up',
    changesId: true,
    stoppedAtStart: 'forgotten',
    starts: /^POST .*\/build(?:WithParameters)?$/,
    start: play(startJenkins, (server) => {
      const { url: baseUrl, username, token, state, job, startBuild } = server
      const target = 'shop/deploy'
      const place = () => state.queue.at(-1)
      const build = () => job(target).builds.find(({ queueId }) => queueId === place()?.id)
      const enter = (result: string) => {
        if (result === 'CANCELLED') return void Object.assign(place() ?? {}, { cancelled: true })
        if (result !== 'QUEUED') server.end(build() ?? startBuild(place()?.id ?? 0), result)
      }
      return {
        connection: { baseUrl, username, token, keyParameter: 'KEY' },
        input: { target },
        runs: () => state.queue.length,
        id: () => `${target}#${build()?.number ?? `queue-${place()?.id}`}`,
        ...stages(enter, undefined, 'SUCCESS'),
        hasStopped: () => place()?.cancelled === true || build()?.result === 'ABORTED',
      }
    }),
  },
  'azure-pipelines': {
    known: 'look-up',
    starts: /^POST .*\/runs$/,
    start: play(startAzurePipelines, ({ url: baseUrl, token, state, finish }) => {
      const project = 'fabrikam/Fabrikam Fiber'
      const newest = () => state.builds.at(-1)
      const enter = (name: string) => {
        const [status = '', result] = name.split('/')
        if (result) finish(result)
        else Object.assign(newest() ?? {}, { status })
      }
      return {
        connection: { baseUrl, token, project, keyParameter: 'key' },
        input: { target: 'Deploy' },
        runs: () => state.builds.length,
        id: () => `${project}#${newest()?.id}`,
        ...stages(enter, 'inProgress', 'completed/succeeded'),
        hasStopped: () => newest()?.result === 'canceled',
      }
    }),
  },
  circleci: {
    known: 'neither',
    stopsLate: true,
    starts: /^POST .*\/pipeline(?:\/run)?$/,
    start: play(startCircleci, ({ url: baseUrl, token, state, enter }) => {
      const newest = () => state.pipelines.at(-1)
      return {
        connection: { baseUrl, token, project: 'gh/acme/shop' },
        input: { target: 'pipeline' },
        runs: () => state.pipelines.length,
        id: () => newest()?.id ?? '',
        ...stages(enter, 'running', 'success'),
        hasStopped: () => newest()?.workflows[0]?.status === 'canceled',
      }
    }),
  },
  'google-cloud-build': {
    known: 'look-up',
    starts: /^POST .*:run$/,
    start: play(startGoogleCloudBuild, ({ url: baseUrl, login, state, enter }) => {
      const { token } = login
      return {
        connection: { baseUrl, token, project: 'acme-shop', location: 'europe-west1' },
        input: { target: 'deploy' },
        runs: () => state.builds.length,
        id: () => `acme-shop#${state.builds.at(-1)?.id}`,
        ...stages(enter, 'WORKING', 'SUCCESS'),
        hasStopped: () => state.builds.at(-1)?.status === 'CANCELLED',
      }
    }),
  },
  'google-cloud-deploy': {
    known: 'token',
    refusesLateStop: true,
    starts: /^POST .*\/rollouts$/,
    start: play(startGoogleCloudDeploy, ({ url: baseUrl, login, state, enter }) => {
      const { token } = login
      return {
        connection: { baseUrl, token, project: 'acme-shop', location: 'europe-west1', target: 'shop/staging' },
        input: { target: 'shop/production', ref: 'v1' },
        runs: () => state.rollouts.length,
        id: () => `acme-shop#shop/v1/${state.rollouts.at(-1)?.name.split('/').at(-1)}`,
        ...stages(enter, 'IN_PROGRESS', 'SUCCEEDED'),
        hasStopped: () => state.rollouts.at(-1)?.state === 'CANCELLED',
      }
    }),
  },
  'hcp-terraform': {
    known: 'look-up',
    starts: /^POST .*\/runs$/,
    start: play(startHcpTerraform, ({ url, token, state, enter }) => ({
      connection: { baseUrl: `${url}/api/v2`, token, project: 'acme' },
      input: { target: 'run/shop-network' },
      runs: () => state.runs.length,
      id: () => state.runs.at(-1)?.id ?? '',
      ...stages(enter, 'planning', 'applied'),
      hasStopped: () => state.runs.at(-1)?.status === 'canceled',
    })),
  },
  'kubernetes-job': {
    known: 'token',
    stoppedAtStart: 'forgotten',
    starts: /^POST .*\/jobs$/,
    start: play(startKubernetes, ({ url: baseUrl, token, state, enterJob }) => {
      const newest = () => state.jobs.at(-1)
      return {
        connection: { baseUrl, token, namespace: 'shop', images: ['ghcr.io/acme/smoke:*'] },
        input: { target: 'ghcr.io/acme/smoke:1.4.2' },
        runs: () => state.created,
        id: () => newest()?.metadata.name ?? '',
        hasStarted: () => enterJob('Running'),
        enter: enterJob,
        end: () => enterJob('Complete'),
        hasStopped: () => state.jobs.length < state.created,
      }
    }),
  },
  tekton: {
    known: 'token',
    starts: /^POST .*\/pipelineruns$/,
    start: play(startTekton, ({ url: baseUrl, token, state, enter }) => ({
      connection: { baseUrl, token, namespace: 'shop', pipelines: ['deploy*'] },
      input: { target: 'deploy' },
      runs: () => state.created,
      id: () => state.runs.at(-1)?.metadata.name ?? '',
      ...stages(enter, 'Running', 'Succeeded'),
      hasStopped: () => state.runs.at(-1)?.spec.status === 'CancelledRunFinally',
    })),
  },
  'argo-cd': {
    known: 'look-up',
    showsNewestOnly: true,
    stopsLate: true,
    refusesLateStop: true,
    starts: /^POST .*\/sync$/,
    start: play(startArgoCd, (server) => {
      const { url: baseUrl, token, application, startOperation, finish, reconcile } = server
      const status = () => application().status
      const enter = (name: string) => {
        const [phase = '', health, sync] = name.split('/')
        if (application().operation) startOperation()
        finish(phase, `It has ${phase}`)
        if (health) reconcile(health, sync)
      }
      return {
        connection: { baseUrl, token },
        input: { target: 'guestbook', project: 'shop' },
        runs: () => server.state.started,
        id: () => {
          const { operation = status().operationState?.operation } = application()
          return `guestbook#${operation?.info?.[0]?.value}`
        },
        hasStarted: startOperation,
        enter,
        end: () => enter('Succeeded/Healthy/Synced'),
        hasStopped() {
          if (status().operationState?.phase !== 'Terminating') return false
          finish('Failed', 'Operation terminated')
          return true
        },
      }
    }),
  },
  'aws-codebuild': {
    known: 'look-up',
    starts: /^StartBuild$/,
    start: play(startCodeBuild, (server) => {
      const { url: endpoint, state } = server
      const newest = () => state.builds.at(-1)
      const enter = (status: string) => server.end(status)
      return {
        connection: { endpoint, region },
        input: { target: 'shop-build' },
        runs: () => state.builds.length,
        id: () => newest()?.id ?? '',
        ...stages(enter, undefined, 'SUCCEEDED'),
        hasStopped: () => newest()?.buildStatus === 'STOPPED',
      }
    }),
  },
  'aws-codepipeline': {
    known: 'token',
    starts: /^StartPipelineExecution$/,
    start: play(startCodePipeline, (server) => {
      const { url: endpoint, state } = server
      const newest = () => state.executions.at(-1)
      const enter = (status: string) => server.end(status)
      return {
        connection: { endpoint, region },
        input: { target: 'shop-delivery' },
        runs: () => state.executions.length,
        id: () => `shop-delivery#${newest()?.pipelineExecutionId}`,
        ...stages(enter, undefined, 'Succeeded'),
        hasStopped: stopsWhenAsked(enter, () => newest()?.status, 'Stopping', 'Stopped'),
      }
    }),
  },
} satisfies Record<string, JobPlatform>
