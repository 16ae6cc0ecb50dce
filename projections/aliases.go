package projections

import "onsale/projections/store"

// Names of package store, for its users until they import it.
type (
	View             = store.View
	Page[T any]      = store.Page[T]
	Coupon           = store.Coupon
	Hold             = store.Hold
	Reservation      = store.Reservation
	Schedule         = store.Schedule
	SeatView         = store.SeatView
	WaitingEntry     = store.WaitingEntry
	Alarm            = store.Alarm
	OwnedCoupon      = store.OwnedCoupon
	OwnedReservation = store.OwnedReservation
	OwnedSeat        = store.OwnedSeat
	AdminAction      = store.AdminAction
)
