"""The only importer of boto3: sessions, the recorder of calls, the table of read calls, waiting."""
