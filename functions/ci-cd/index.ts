import { defineCategory } from '../../shared/providers/category.ts'
import { actions, formerNames } from './actions.ts'

/** Starts and cancels builds and deployments. */
export const ciCd = defineCategory({
  name: 'ci-cd',
  summary: 'Starts builds and deployments, and cancels them',
  actions,
  formerNames,
  providers: {
    'github-actions': async () => (await import('./providers/github-actions.ts')).githubActions,
    'gitlab-ci': async () => (await import('./providers/gitlab-ci.ts')).gitlabCi,
    jenkins: async () => (await import('./providers/jenkins.ts')).jenkins,
    'argo-cd': async () => (await import('./providers/argo-cd.ts')).argoCd,
    'aws-codebuild': async () => (await import('./providers/aws-codebuild.ts')).awsCodeBuild,
    'aws-codepipeline': async () => (await import('./providers/aws-codepipeline.ts')).awsCodePipeline,
    circleci: async () => (await import('./providers/circleci.ts')).circleci,
    'google-cloud-build': async () => (await import('./providers/google-cloud-build.ts')).googleCloudBuild,
    'google-cloud-deploy': async () => (await import('./providers/google-cloud-deploy.ts')).googleCloudDeploy,
    'hcp-terraform': async () => (await import('./providers/hcp-terraform.ts')).hcpTerraform,
    'kubernetes-job': async () => (await import('./providers/kubernetes-job.ts')).kubernetesJob,
    tekton: async () => (await import('./providers/tekton.ts')).tekton,
    'azure-pipelines': async () => (await import('./providers/azure-pipelines.ts')).azurePipelines,
    http: async () => (await import('./providers/http.ts')).http,
  },
})
