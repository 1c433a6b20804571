import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

/** Returns the report and the model of the API that a declaration file exports. */
export function extract(folder, declaration, name) {
  const files = { report: join(folder, `${name}.api.md`), model: join(folder, `${name}.api.json`) }
  const silent = { default: { logLevel: 'none' } }
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, declaration),
      compiler: {
        overrideTsconfig: {
          compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'] },
          files: [declaration],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: folder,
        reportTempFolder: join(folder, 'temp'),
        reportFileName: `${name}.api.md`,
        // A change of a type that is used but not exported changes the API, too.
        includeForgottenExports: true,
      },
      docModel: { enabled: true, apiJsonFilePath: files.model, includeForgottenExports: true },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // Comments need not be complete TSDoc.
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: join(folder, 'api-extractor.json'),
    packageJsonFullPath: join(folder, 'package.json'),
  })
  const messages = []
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      // Printed by the caller, and only if it fails.
      messages.push(message.text)
      message.handled = true
    },
  })
  if (!succeeded) throw new Error(`API Extractor failed:\n${messages.join('\n')}`)
  return { report: readFileSync(files.report, 'utf8'), model: JSON.parse(readFileSync(files.model, 'utf8')) }
}
