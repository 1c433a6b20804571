import { expect, test } from '@jest/globals'
import { readTemplate } from '../../e2e/workflow-runner.ts'

const templates = ['resume', 'call', 'run', 'event', 'guardian'].map((name) => `docs/dynatrace/${name}.yaml`)

test.each([...templates, 'examples/dynatrace-problem/workflow.yaml'])(
  'The workflow template %s is complete and consistent',
  (path) => {
    const { metadata, workflow } = readTemplate(path)
    const apps = metadata.dependencies.apps.map(({ id }) => id)
    const names = Object.keys(workflow.tasks)
    expect([metadata.version, workflow.schemaVersion]).toEqual(['1', 3])
    for (const [key, task] of Object.entries(workflow.tasks)) {
      expect(task.name).toBe(key)
      expect(apps).toContain(task.action.split(':')[0])
      for (const before of [...task.predecessors, ...Object.keys(task.conditions?.states ?? {})])
        expect(names.slice(0, names.indexOf(key))).toContain(before)
    }
  },
)
