-- The relay knows by the last position that was drawn whether there may be something to publish.
GRANT SELECT ON SEQUENCE taskrail.outbox_position_seq TO taskrail_keeper;
