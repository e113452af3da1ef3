"""What can be set about an org: its limits and policies, and the habits of Salesforce that nobody has recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_INSTANCE = "https://acme.my.salesforce.com"


@dataclass(slots=True)
class Facts:
    """Habits of Salesforce known from memory or by inference only. A caller must survive either setting.

    The defaults are the likeliest; where nothing tells, the stricter. They may be changed while the org runs
    (`SimulatedOrg.set_fact`).
    """

    # A value of the wrong JSON type, or a bad date: the record fails ("record") or the whole request does ("request").
    wrong_type_scope: str = "record"
    # A field that is not there: likewise.
    unknown_field_scope: str = "record"
    text_takes_scalars: bool = False
    boolean_takes_strings: bool = False
    picklist_ignores_case: bool = True
    # Java counts UTF-16 units, so that an emoji is two characters long.
    length_counts_utf16: bool = True
    unknown_id: tuple[str, str] = ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    update_only_miss: tuple[str, str] = ("NOT_FOUND", "The requested resource does not exist")
    unknown_type_in_record: tuple[int, str] = (400, "INVALID_TYPE")
    type_missing: tuple[int, str] = (400, "INVALID_TYPE")
    type_mismatch_scope: str = "request"
    external_id_unknown_status: int = 404
    # A relationship that the sObject has not, with an object behind it: likewise "record" or "request".
    unknown_relationship_scope: str = "request"
    # A parent that is not there, or not once: likewise.
    missing_parent_scope: str = "record"
    # A relationship that may lead to several sObjects, where the row does not say to which.
    parent_without_type: tuple[str, str] = ("INVALID_FIELD", "The type of the referenced record is required.")
    # While the instance is upgraded, writes are refused as a whole with this status, or (0) record by record.
    read_only_status: int = 400
    before_its_version: tuple[int, str] = (404, "NOT_FOUND")
    # A lookup to a record in the recycle bin; and whether one to a converted lead is taken.
    deleted_parent: tuple[str, str] = ("ENTITY_IS_DELETED", "entity is deleted")
    converted_parents: bool = False
    # Campaigns: whether validation rules see members, whether the API makes member statuses, and which right on
    # campaigns somebody needs, who is a marketing user, to delete members.
    rules_of_members: bool = True
    member_statuses_writable: bool = False
    deleting_members_takes: str = "Read"
    # What the update of a record is answered with that sharing hides from the user. As likely:
    # INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY, INVALID_CROSS_REFERENCE_KEY, NOT_FOUND.
    hidden_record: tuple[str, str] = ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
    # An upsert by the key of such a record finds nothing, or is answered like an update of it.
    hidden_key_missed: bool = True
    # Where another record holds a unique value, the field and the record are named: to nobody, or even to who may not
    # see that record.
    hides_duplicates: bool = False
    names_hidden_duplicates: bool = False
    # An upsert by a field that several records may share, by who may not view all data: "record" or "request".
    non_unique_upsert_scope: str = "record"
    query_all_shows_merged: bool = True
    # What a query job of Bulk API 2.0 is refused with for GROUP BY, COUNT, OFFSET or an address as a whole.
    bulk_query_without: tuple[str, str] = ("FEATURENOTENABLED", "This query is not supported in Bulk V2 Query.")
    # Validation rules see the values that a merge gives the record it keeps.
    merges_ask_rules: bool = True
    chunk_code: str = "LIMIT_EXCEEDED"
    composite_limit_code: str = "LIMIT_EXCEEDED"
    reference_id_code: str = "INVALID_INPUT"
    id_on_failed_update: bool = False
    id_on_rolled_back: bool = False
    created_on_failure: bool = False
    single_row_lock_status: int = 400
    all_errors_at_once: bool = True
    composite_inherits_headers: bool = False
    composite_takes_collections: bool = True
    # A read of many Ids by POST is a collection; no page says whether a composite takes it.
    composite_takes_reads: bool = True
    # The longest URL of a subrequest, 0 for any: a query in it may hold hundreds of values.
    subrequest_url_characters: int = 0
    composite_counts_once: bool = True
    update_only_honoured: bool = True
    subrequest_headers_honoured: bool = True
    results_in_order: bool = True
    # Good records of a collection are saved beside refused ones, or all fail.
    partial_save: bool = True
    null_external_id_creates: bool = False
    external_id_ignores_case: bool = True
    datetime_keeps_seconds: bool = True
    number_keeps_every_digit: bool = True
    rules_compare_under_lock: bool = True
    # What becomes of a contact's fields on the Account of a person, when person accounts are switched on.
    person_email_is_id_lookup: bool = False
    person_external_ids: bool = False
    person_name_text: str = (
        "Unable to create/update fields: {fields}. Please check the security settings of this field and verify that it"
        " is read/write for your profile or permission set."
    )
    person_field_text: str = "Account: bad field names on insert/update call: {fields}"
    refused_session_counts: bool = False
    refused_request_counts: bool = True
    limit_info_on_errors: bool = True


@dataclass(slots=True)
class OrgConfig:
    """One org's limits and login policies.

    `sandbox` is what Organization.IsSandbox says. `daily_overrun` is the share of the daily limit that a paying org may
    spend beyond it before it is refused; sandboxes and Developer Editions have none. `session_timeout` counts from the
    last call, as Salesforce's does. `language` is that of new users ("en_US", "fr", "ja", "es"): errors come in the
    language of the user who asks. `data_storage_taken_mb` is what others than the records here take of
    `data_storage_mb`; a full org creates nothing more. `read_only`: the instance is being upgraded.
    `state_and_country_picklists`: addresses take known states and countries. `bulk_query_runs`: who asks after a query
    job for the first time finds it running.
    """

    instance_url: str | None = None
    organization_id: str = "00DAb0000000001"
    organization_name: str = "Acme"
    sandbox: bool = True
    daily_limit: int = 100_000
    daily_overrun: float = 0.0
    data_storage_mb: int = 1024
    data_storage_taken_mb: int = 0
    session_timeout: float = 7200.0
    records_per_collection: int = 200
    request_bytes: int = 50 * 1024 * 1024
    query_page: int = 2000
    bulk_query_page: int = 250_000
    bulk_query_runs: bool = True
    password_flow: bool = True
    api_enabled: bool = True
    lock_sessions_to_address: bool = False
    rotate_refresh_tokens: bool = False
    assignment_rule_owner: str | None = None
    person_accounts: bool = False
    language: str = "en_US"
    read_only: bool = False
    state_and_country_picklists: bool = False
    facts: Facts = field(default_factory=Facts)
