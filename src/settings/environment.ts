/**
 * @module The settings in the environment: each variable's name and meaning, as docs/reference.md lists them. The
 * modules that read a setting validate it. Deployed code imports only `settingNames` and types, because the texts
 * about the other variables would enlarge it.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** How to reach a cluster. The same names are used in the environment, in a secret's JSON and in a clusters file. */
export const connectionSettings = {
  ELASTICSEARCH_URL: 'The address, for example `https://host:9200`.',
  ELASTICSEARCH_CLOUD_ID: 'Instead of the address: the cloud id of a deployment.',
  ELASTICSEARCH_API_KEY: 'An API key, encoded or as `id:key`. If it is set, a user and password are ignored.',
  ELASTICSEARCH_USERNAME: 'Instead of the key: a user.',
  ELASTICSEARCH_PASSWORD: 'The password of the user.',
  ELASTICSEARCH_CA_CERT:
    'The certificate authority of the server’s certificate: PEM text, or a path to a file.',
  ELASTICSEARCH_CA_FINGERPRINT: 'Instead of the certificate: its SHA-256 fingerprint.',
} as const;
export type ConnectionSetting = keyof typeof connectionSettings;

export const settingNames = Object.keys(connectionSettings) as ConnectionSetting[];

/** Settings that are read only from the environment. */
export const environmentSettings = {
  ELASTICSEARCH_SECRET:
    'The name of a secret whose JSON contains the settings above. It adds those that the environment does not set. `ssm:` and a name: a parameter of SSM instead, here and below.',
  ELASTICSEARCH_SECRET_PREFIX:
    'For a cluster other than `default`: the secret’s name is this prefix followed by the cluster’s name.',
  ELASTICSEARCH_CLUSTERS_SECRET:
    'Instead of the prefix: one secret for all clusters other than `default`, whose JSON has a key for each with its settings.',
  JOBSWEEP_SCHEDULE_GROUP: 'The schedule group of follow-ups and recurring schedules.',
  JOBSWEEP_SCHEDULER_ROLE_ARN: 'The role that EventBridge Scheduler assumes to invoke the function.',
  JOBSWEEP_FUNCTION_ARN: 'The function that schedules invoke.',
  JOBSWEEP_DLQ_ARN: 'The dead-letter queue for deliveries that failed after all retries.',
  JOBSWEEP_KMS_KEY_ARN:
    'The customer key that follow-ups, and schedules without a key of their own, are encrypted with.',
  HTTPS_PROXY:
    'The proxy for addresses that begin with `https://`, such as `http://proxy.example.com:3128`. This variable and the next two also work in lower case, which wins.',
  HTTP_PROXY: 'The proxy for addresses that begin with `http://`.',
  NO_PROXY:
    'Hosts to reach without a proxy, separated by commas: names, with all names below them; addresses; ranges such as `10.0.0.0/8`; `*` for all.',
  JOBSWEEP_VPC_SUBNETS:
    'The subnets of a function in a VPC. The deployment sets it, and only error messages use it.',
  JOBSWEEP_VPC_SECURITY_GROUPS: 'The security groups of a function in a VPC, likewise.',
} as const;

/** Where reports are stored. These settings are read only from the environment. */
export const reportSettings = {
  JOBSWEEP_REPORTS_NAMESPACE:
    'Stores each report in Elasticsearch: the last part of the names of the data streams, for example `default`.',
  JOBSWEEP_REPORTS_URL:
    'The cluster for the reports, if it is not the swept one. `_CLOUD_ID`, `_API_KEY`, `_USERNAME`, `_PASSWORD`, `_CA_CERT` and `_CA_FINGERPRINT` are its other settings, as above.',
  JOBSWEEP_REPORTS_SECRET:
    'The name of a secret whose JSON contains these settings under the names above (`ELASTICSEARCH_URL`, …).',
} as const;

/** Where notifications go. The same names are used in the environment and in a secret's JSON. */
export const notifyTargets = {
  JOBSWEEP_NOTIFY_SNS_TOPIC_ARN:
    'The ARN of a standard SNS topic: for Amazon Q Developer in chat applications, e-mail and other subscribers.',
  JOBSWEEP_NOTIFY_EVENT_BUS: 'The name or ARN of an EventBridge event bus, for example `default`.',
  JOBSWEEP_NOTIFY_SLACK_URL: 'The address of an incoming webhook of Slack. It is a secret.',
  JOBSWEEP_NOTIFY_TEAMS_URL: 'The address of a workflow’s webhook in Microsoft Teams. It is a secret.',
  JOBSWEEP_NOTIFY_WEBHOOK_URL: 'The address of a webhook that takes the event as JSON. It is a secret.',
} as const;
export type TargetSetting = keyof typeof notifyTargets;

/**
 * When notifications are sent, and the secret with their targets. These settings are read only from the environment.
 */
export const notifyOptions = {
  JOBSWEEP_NOTIFY_WHEN:
    'When to notify, if the request does not say: `always`, `changes`, `problems` or `never`. By default `changes`.',
  JOBSWEEP_NOTIFY_SECRET:
    'The name of a secret whose JSON contains settings above that the environment does not set. By default ELASTICSEARCH_SECRET.',
} as const;
