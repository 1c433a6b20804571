export const withoutContract = 'Modelled on the recorded responses of DataDog/datadog-api-client-go'
