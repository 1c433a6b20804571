import { defineCategory } from '../../shared/providers/category.ts'
import { actions, formerNames } from './actions.ts'

/** Starts and cancels builds and deployments. */
export const ciCd = defineCategory({
  name: 'ci-cd',
  summary: 'Starts builds and deployments, and cancels them',
  actions,
  formerNames,
  providers: {
    'github-actions': async () => (await import('./github-actions/github-actions.ts')).githubActions,
    'gitlab-ci': async () => (await import('./gitlab-ci/gitlab-ci.ts')).gitlabCi,
    jenkins: async () => (await import('./jenkins/jenkins.ts')).jenkins,
    'argo-cd': async () => (await import('./argo-cd/argo-cd.ts')).argoCd,
    'aws-codebuild': async () => (await import('./aws-codebuild/aws-codebuild.ts')).awsCodeBuild,
    'aws-codepipeline': async () => (await import('./aws-codepipeline/aws-codepipeline.ts')).awsCodePipeline,
    circleci: async () => (await import('./circleci/circleci.ts')).circleci,
    'google-cloud-build': async () => (await import('./google-cloud-build/google-cloud-build.ts')).googleCloudBuild,
    'google-cloud-deploy': async () => (await import('./google-cloud-deploy/google-cloud-deploy.ts')).googleCloudDeploy,
    'hcp-terraform': async () => (await import('./hcp-terraform/hcp-terraform.ts')).hcpTerraform,
    'kubernetes-job': async () => (await import('./kubernetes-job/kubernetes-job.ts')).kubernetesJob,
    tekton: async () => (await import('./tekton/tekton.ts')).tekton,
    'azure-pipelines': async () => (await import('./azure-pipelines/azure-pipelines.ts')).azurePipelines,
    http: async () => (await import('./http/http.ts')).http,
  },
})
