// What jsforce, installed below the folder of the second argument, gets from an org at the URL of the first:
// one line of JSON for each call, {"call", "answer"}.
import { createRequire } from "node:module";

const [url, folder] = process.argv.slice(2);
const jsforce = createRequire(`${folder}/`)("jsforce");
const CONTACT = "003Ab0000000001IAA";
const APP = { clientId: "local-client-id", clientSecret: "local-client-secret", loginUrl: url };
const PASSWORD = ["integration@example.com", "local-passwordlocal-security-token"];

async function tell(call, work) {
  let answer;
  try {
    answer = await work();
  } catch (error) {
    answer = { name: error.name, errorCode: error.errorCode, message: error.message };
  }
  console.log(JSON.stringify({ call, answer: answer ?? null }));
  return answer;
}

const soap = new jsforce.Connection({ loginUrl: url, version: "59.0" });
await tell("log in by SOAP", () => soap.login(...PASSWORD));
await tell("use the session of SOAP", () => soap.query("SELECT COUNT() FROM Contact"));
await tell("log out by SOAP", () => soap.logout());
await tell("log in with a wrong password", () => soap.login(PASSWORD[0], "wrong"));

const password = new jsforce.Connection({ oauth2: APP, version: "66.0" });
await tell("log in by password", () => password.login(...PASSWORD));
await tell("log out", () => password.logout());

const conn = new jsforce.Connection({ oauth2: APP, instanceUrl: url, version: "66.0" });
await tell("log in by client credentials", () => conn.authorize({ grant_type: "client_credentials" }));
await tell("query", () => conn.query("SELECT Id, LastName, Owner.Username FROM Contact ORDER BY Id LIMIT 2"));
await tell("query and fetch all", () => conn.query("SELECT Id FROM Contact").then((page) => conn.queryMore(page.nextRecordsUrl)));
await tell("count by group", () => conn.query("SELECT LeadSource, COUNT(Id) people FROM Contact GROUP BY LeadSource"));
await tell("query what is not built", () => conn.query("SELECT FIELDS(ALL) FROM Contact LIMIT 1"));
const made = await tell("create", () => conn.sobject("Contact").create({ LastName: "Okafor", Email: "new@example.com" }));
await tell("create many", () => conn.sobject("Contact").create([{ LastName: "A" }, { FirstName: "B" }]));
await tell("update", () => conn.sobject("Contact").update({ Id: made.id, Title: "Boss" }));
await tell("update many", () => conn.sobject("Contact").update([{ Id: made.id, Title: "x" }, { Id: made.id.slice(0, 15), Phone: "1" }]));
await tell("update with a bad value", () => conn.sobject("Contact").update({ Id: made.id, Birthdate: "01.02.2003" }));
await tell("upsert", () => conn.sobject("Contact").upsert({ CDP_Customer_Id__c: "c-1", LastName: "Up" }, "CDP_Customer_Id__c"));
await tell("upsert many", () =>
  conn.sobject("Contact").upsert([{ CDP_Customer_Id__c: "c-1", LastName: "Again" }, { CDP_Customer_Id__c: "c-2", LastName: "New" }], "CDP_Customer_Id__c"));
const many = { records: [{ attributes: { type: "Contact" }, CDP_Customer_Id__c: "c-3", LastName: "No" }] };
await tell("updateOnly", () =>
  conn.request({
    method: "PATCH",
    url: "/composite/sobjects/Contact/CDP_Customer_Id__c?updateOnly=true",
    body: JSON.stringify(many),
    headers: { "content-type": "application/json" },
  }));
await tell("composite", () =>
  conn.requestPost("/composite", {
    compositeRequest: [
      { method: "PATCH", url: "/services/data/v66.0/composite/sobjects", referenceId: "b1",
        body: { records: [{ attributes: { type: "Contact" }, id: CONTACT, Title: "Composite" }] } },
      { method: "GET", url: "/services/data/v66.0/sobjects/Nonsense", referenceId: "b2" },
    ],
  }));
await tell("retrieve", () => conn.sobject("Contact").retrieve(CONTACT).then((row) => [row.Id, row.Title]));
await tell("retrieve many", () =>
  conn.requestPost("/composite/sobjects/Contact", { ids: [CONTACT, "003Ab0000009999IAA"], fields: ["Id", "Title"] }));
await tell("describe", () => conn.sobject("Contact").describe().then((d) => d.fields.filter((f) => f.idLookup).map((f) => f.name)));
await tell("describe all", () => conn.describeGlobal().then((d) => d.sobjects.map((s) => s.name).includes("CampaignMember")));
await tell("limits", () => conn.limits().then((limits) => limits.DailyApiRequests.Max));
await tell("delete", () => conn.sobject("Contact").destroy(made.id));
await tell("delete many", () => conn.sobject("Contact").destroy([made.id, CONTACT]));
await tell("read what was deleted", () => conn.sobject("Contact").retrieve(made.id));
