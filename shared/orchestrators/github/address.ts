import type { InstalledRepository } from '../../vendors/clients/github-app.ts'

/** The deployment of a workflow run that waits for the result. */
export interface DeploymentAddress extends InstalledRepository {
  runId: number
  environment: string
}

/** The commit that gets a check run. */
export interface CommitAddress extends InstalledRepository {
  sha: string
}
