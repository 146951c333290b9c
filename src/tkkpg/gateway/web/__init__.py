"""The gateway over HTTP: Exec for merchants' servers, the hosted page for cardholders."""
