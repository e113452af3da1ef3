"""What the three functions are made of. Where to look:

* profile/      what comes in: bodies, identities, memberships, event times, JMESPath
* destination/  the marketer's file, and what is wrong with it
* record/       what goes out, and what Salesforce's answers mean: Ids, composite requests, error codes, guards
* mapping/      from a profile to the update of a record: fields, audience statuses
* delivery/     a batch in, an outcome for each message out: sending, refusals, moved records, delays
* connection/   does the file fit the org?
* login/        credentials, refused log-ins, the access token
* salesforce/   the HTTP edge: REST calls, the OAuth request
* aws/          the AWS edge: SQS events, dead letters and their attributes, secrets, log, metrics
* assembly.py   puts the parts together, for the functions, the simulations and the tests
"""

__version__ = "1.0.0"
"""The version of pyproject.toml. Lambda has no package metadata to ask, so it stands here too; a test compares them."""

USER_AGENT = f"salesforce-destination/{__version__}"
"""By this an org's event log tells these calls from others."""
