"""Read calls on compute outside the cluster, messaging and AI services (N8, N9), and operator paths (N11)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

# AWS's own public parameters: the newest Amazon Linux 2023, for each processor of an operations host.
HOST_IMAGES = tuple(
    f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{one}" for one in ("x86_64", "arm64")
)

QUERIES: tuple[Query, ...] = (
    # N8: relays that are not in the VPC.
    Query("lambda:ListFunctions"),
    follow("lambda:ListFunctionUrlConfigs", "lambda:ListFunctions", "Functions", {"FunctionName": "FunctionName"}),
    follow(
        "lambda:GetPolicy",
        "lambda:ListFunctions",
        "Functions",
        {"FunctionName": "FunctionName"},
        absent=("ResourceNotFoundException",),
    ),
    Query("lambda:ListEventSourceMappings"),
    Query("stepfunctions:ListStateMachines"),
    follow(
        "stepfunctions:DescribeStateMachine",
        "stepfunctions:ListStateMachines",
        "stateMachines",
        {"stateMachineArn": "stateMachineArn"},
    ),
    Query("codebuild:ListProjects"),
    follow("codebuild:BatchGetProjects", "codebuild:ListProjects", "projects", {"names": "[@]"}),
    Query("glue:GetJobs"),
    Query("glue:GetConnections", {"HidePassword": True}),
    Query("glue:GetResourcePolicies"),
    Query("sagemaker:ListNotebookInstances"),
    Query("sagemaker:ListDomains"),
    Query("sagemaker:ListEndpoints"),
    Query("apprunner:ListServices"),
    Query("bedrock:ListFoundationModels"),
    Query("bedrock:ListInferenceProfiles"),
    Query("bedrock:ListGuardrails"),
    Query("bedrock:ListCustomModels"),
    Query("bedrock-agent:ListAgents"),
    Query("bedrock-agent:ListKnowledgeBases"),
    # N9: messages and streams.
    Query("sns:ListTopics"),
    follow("sns:GetTopicAttributes", "sns:ListTopics", "Topics", {"TopicArn": "TopicArn"}),
    Query("sns:ListSubscriptions"),
    Query("sqs:ListQueues"),
    follow(
        "sqs:GetQueueAttributes", "sqs:ListQueues", "QueueUrls", {"QueueUrl": "@"}, params={"AttributeNames": ["All"]}
    ),
    Query("events:ListEventBuses"),
    follow("events:DescribeEventBus", "events:ListEventBuses", "EventBuses", {"Name": "Name"}),
    follow("events:ListRules", "events:ListEventBuses", "EventBuses", {"EventBusName": "Name"}),
    follow(
        "events:ListTargetsByRule",
        "events:ListRules",
        "Rules",
        {"Rule": "Name", "EventBusName": "EventBusName"},
    ),
    Query("events:ListApiDestinations"),
    Query("events:ListConnections"),
    Query("pipes:ListPipes"),
    follow("pipes:DescribePipe", "pipes:ListPipes", "Pipes", {"Name": "Name"}),
    Query("firehose:ListDeliveryStreams", {"Limit": 10000}),
    follow(
        "firehose:DescribeDeliveryStream",
        "firehose:ListDeliveryStreams",
        "DeliveryStreamNames",
        {"DeliveryStreamName": "@"},
    ),
    Query("kinesis:ListStreams"),
    # N11: operators' paths.
    Query("ssm:DescribeInstanceInformation"),
    Query("ssm:DescribeSessions", vary={"State": ("Active", "History")}),
    Query("ssm:ListDocuments", {"Filters": [{"Key": "Owner", "Values": ["Self"]}]}),
    follow(
        "ssm:DescribeDocumentPermission",
        "ssm:ListDocuments",
        "DocumentIdentifiers",
        {"Name": "Name"},
        params={"PermissionType": "Share"},
    ),
    Query("ssm:GetParameter", vary={"Name": HOST_IMAGES}),
    Query("ssm:DescribeParameters"),
    follow("ssm:GetResourcePolicies", "ssm:DescribeParameters", "Parameters", {"ResourceArn": "ARN"}),
)
