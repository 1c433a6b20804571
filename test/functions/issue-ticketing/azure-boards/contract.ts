export const withoutContract =
  'Modelled on the examples of MicrosoftDocs/vsts-rest-api-specs in test/fixtures/azure-boards'
