/** Sets the environment of a Lambda function, with credentials of no real account. */
process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] = 'a-secret-access-key'
process.env['AWS_REGION'] = 'eu-west-1'
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
process.env['AWS_CONFIG_FILE'] = '/dev/null'
process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null'
delete process.env['AWS_SESSION_TOKEN']
delete process.env['AWS_PROFILE']
